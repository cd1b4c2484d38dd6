# shellcheck shell=sh
# What the cases share: dpkg and debconf as they are called, and what is looked at then.

export deb=/tmp/test/netcue.deb
export next=/tmp/test/next.deb
export last=/tmp/test/last.deb
export wants=/etc/systemd/system/multi-user.target.wants
export DEBIAN_FRONTEND=noninteractive

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

install() {
    dpkg --install "$@"
}

# Answers the questions as somebody at a terminal does, a line for each.
answering() {
    answers=$1
    shift
    printf '%b' "$answers" | DEBIAN_FRONTEND=teletype "$@"
}

preseed() {
    debconf-set-selections
}

answer_is() {
    said=$(debconf-show netcue | sed -n "s|^[* ]* netcue/$1: ||p")
    [ "$said" = "$2" ] || fail "debconf has $1=$said, not $2"
}

# Which folders of /etc/ppp hold a link to the program.
ppp_links() {
    find /etc/ppp -lname /usr/sbin/netcue -printf '%h\n' | sed 's|.*/||' | sort | tr '\n' ' '
}

all_ppp='ip-down.d ip-pre-up.d ip-up.d ipv6-down.d ipv6-up.d '

ppp_is() {
    case $1 in
    on)
        [ "$(ppp_links)" = "$all_ppp" ] || fail "links in /etc/ppp: $(ppp_links)"
        [ ! -d /etc/netcue/enabled ] || [ -e /etc/netcue/enabled/ppp ] || fail "ppp has no flag"
        ;;
    off)
        [ -d /etc/netcue/enabled ] || fail "no flags, so that every source is on"
        [ ! -e /etc/netcue/enabled/ppp ] || fail "ppp has a flag"
        ;;
    esac
}

# Whether the kernel is heard from the next start on, under systemd and under System V init.
kernel_is() {
    case $1 in
    on)
        [ ! -d /etc/netcue/enabled ] || [ -e /etc/netcue/enabled/kernel ] || fail "kernel has no flag"
        wanted=1
        ;;
    off) wanted='' ;;
    esac
    for link in sockets.target.wants/netcue-watch.socket multi-user.target.wants/netcue-watch.service; do
        found=
        [ ! -e "/etc/systemd/system/$link" ] || found=1
        [ "$found" = "$wanted" ] || fail "$link: ${found:-no}, expected: ${wanted:-no}"
    done
    started_is /etc/rc2.d netcue-watch "$wanted"
}

# What the boot runs, under systemd and under System V init.
boot_is() {
    grep -q "^BOOT=\"$1\"" /etc/default/netcue || fail "not BOOT=\"$1\": $(cat /etc/default/netcue)"
    for stage in interfaces filesystems services; do
        link=$wants/netcue-boot-$stage.service
        if [ "$stage" = "$1" ]; then
            [ -e "$link" ] || fail "$link is not there"
        else
            [ ! -L "$link" ] || fail "$link is there"
        fi
    done
    early='' late=''
    case $1 in
    interfaces | filesystems) early=1 ;;
    services) late=1 ;;
    esac
    started_is "/etc/rcS.d" netcue-early "$early"
    for level in 2 3 4 5; do
        started_is "/etc/rc$level.d" netcue "$late"
    done
}

started_is() {
    found=
    for link in "$1"/S[0-9][0-9]"$2"; do
        [ ! -e "$link" ] || found=1
    done
    [ "$found" = "$3" ] || fail "$2 started in $1: ${found:-no}, expected: ${3:-no}"
}

queue_is_watched() {
    [ -e "$wants/netcue-queue.path" ] || fail "netcue-queue.path is not enabled"
}

# Calls Debian's wrapper as pppd does, with an empty environment.
ppp_event() {
    env -i "/etc/ppp/$1" ppp0 /dev/ttyS0 115200 203.0.113.5 203.0.113.1 </dev/null
}

# How many events of a source have been handled.
handled() {
    netcue history --json --source "$1" | grep -c '"outcome":"done"' || true
}

# Waits up to a minute for a command to succeed.
await() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || {
            netcue history >&2
            systemctl status --no-pager netcue-queue.path netcue-queue.service >&2 || true
            fail "waited in vain for: $*"
        }
        sleep 0.1
    done
}

handled_are() {
    [ "$(handled "$1")" -eq "$2" ]
}

nothing_in() {
    [ -z "$(find "$1" -name '*.json')" ]
}

# Every path of the machine and what it is, but for what dpkg and debconf themselves keep.
tree() {
    find / -xdev \( -path /proc -o -path /tmp -o -path /var/lib/dpkg -o -path /var/cache/debconf \
        -o -path /var/log/dpkg.log -o -path /dev \) -prune -o -printf '%p %y %m %l\n' | sort
}

same() {
    diff -u "$1" "$2" >&2 || fail "the trees differ"
}
