/* The system calls that netcue's promises need, and nothing else: what an event costs at
 * the least, by whomever it is handled. It decides nothing and understands nothing. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef F_OFD_SETLK
#define F_OFD_SETLK 37
#endif
#ifndef RTM_GETNEXTHOP
#define RTM_GETNEXTHOP 106
#endif

static char root[3000], path[4000], answer[65536];
static int journal;

static const char *at(const char *below)
{
	snprintf(path, sizeof path, "%s/%s", root, below);
	return path;
}

static int opened(const char *below, int flags)
{
	int fd = open(at(below), flags | O_CLOEXEC, 0600);
	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static void lock(int fd, short type)
{
	struct flock whole = { .l_type = type, .l_whence = SEEK_SET };
	if (fcntl(fd, F_OFD_SETLK, &whole))
		err(1, "lock");
}

/* One line, whole, at the end of a file that others append to and rotate. */
static void record(const char *what, size_t length)
{
	struct stat ours, there;
	char line[1024];
	memset(line, 'x', sizeof line);
	memcpy(line, what, strlen(what));
	line[length - 1] = '\n';
	flock(journal, LOCK_EX);
	fstat(journal, &ours);
	stat(at("var/log/floor"), &there);
	if (write(journal, line, length) != (ssize_t)length)
		err(1, "write");
	flock(journal, LOCK_UN);
}

static int netlink(int protocol)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, protocol);
	if (fd < 0 || connect(fd, (struct sockaddr *)&kernel, sizeof kernel))
		err(1, "netlink");
	return fd;
}

static void ask(int fd, int type, int flags, int family, size_t length)
{
	struct { struct nlmsghdr header; char rest[64]; } request = {
		.header = { .nlmsg_len = NLMSG_LENGTH(length), .nlmsg_type = type,
			    .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = 1 },
	};
	request.rest[0] = family;
	if (send(fd, &request, request.header.nlmsg_len, 0) < 0)
		err(1, "send");
	for (;;) {
		ssize_t got = recv(fd, answer, sizeof answer, 0);
		struct nlmsghdr *message = (struct nlmsghdr *)answer;
		if (got < 0)
			err(1, "recv");
		if (!(flags & NLM_F_DUMP))
			return;
		for (; NLMSG_OK(message, got); message = NLMSG_NEXT(message, got))
			if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
				return;
	}
}

static void read_the_kernel(void)
{
	int fd = netlink(NETLINK_ROUTE);
	ask(fd, RTM_GETNEXTHOP, NLM_F_DUMP, AF_UNSPEC, sizeof(struct nhmsg));
	ask(fd, RTM_GETLINK, NLM_F_DUMP, AF_UNSPEC, sizeof(struct ifinfomsg));
	ask(fd, RTM_GETADDR, NLM_F_DUMP, AF_UNSPEC, sizeof(struct ifaddrmsg));
	for (int family = AF_INET; family <= AF_INET6; family += AF_INET6 - AF_INET) {
		ask(fd, RTM_GETROUTE, NLM_F_DUMP, family, sizeof(struct rtmsg));
		ask(fd, RTM_GETRULE, NLM_F_DUMP, family, sizeof(struct rtmsg));
	}
	close(fd);
	fd = netlink(NETLINK_NETFILTER);
	ask(fd, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN, 0, AF_UNSPEC, sizeof(struct nfgenmsg));
	close(fd);
}

/* Whether nobody but root can change a file, or put another in its place. */
static void trust(const char *file)
{
	struct stat part;
	if (lstat(file, &part) || part.st_uid)
		errx(1, "%s is not to be trusted", file);
}

static void trust_way(const char *below)
{
	for (char *slash = strchr(at(below), '/'); slash; slash = strchr(slash + 1, '/')) {
		char kept = slash[1];
		slash[1] = 0;
		trust(path);
		slash[1] = kept;
	}
}

static void run(const char *hook, char **environment)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	char *words[] = { (char *)hook, "up", "uplink0", NULL };
	int output[2], input = memfd_create("event", MFD_CLOEXEC);
	struct pollfd end;
	siginfo_t ended;
	pid_t pid;

	trust(hook);
	close(open(hook, O_RDONLY | O_CLOEXEC));
	if (input < 0 || pipe2(output, O_CLOEXEC) || write(input, answer, 600) != 600)
		err(1, "pipe");
	lseek(input, 0, SEEK_SET);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, input, 0);
	posix_spawn_file_actions_adddup2(&actions, output[1], 1);
	posix_spawn_file_actions_adddup2(&actions, output[1], 2);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
	if (posix_spawn(&pid, hook, &actions, &attributes, words, environment))
		err(1, "%s", hook);
	close(input);
	close(output[1]);
	end = (struct pollfd){ .fd = output[0], .events = POLLIN };
	poll(&end, 1, 60000);
	while (read(output[0], answer, sizeof answer) > 0)
		;
	waitid(P_PID, pid, &ended, WEXITED | WNOWAIT);
	kill(-pid, SIGTERM);
	waitpid(pid, NULL, 0);
	close(output[0]);
}

int main(int argc, char **argv)
{
	static char names[4096][NAME_MAX + 1];
	char *environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "NETCUE_ACTION=up", NULL };
	char draft[4100];
	struct dirent *entry;
	int count = 0, fd, held;
	DIR *folder;

	if (argc != 2)
		errx(64, "usage: floor ROOT");
	snprintf(root, sizeof root, "%s", argv[1]);
	mkdir(at("run/floor"), 0700);
	journal = opened("var/log/floor", O_RDWR | O_CREAT | O_APPEND);

	/* Accepted: on record and in the queue, whole or not at all. */
	if_nametoindex("uplink0");
	fd = opened("run/floor/.draft", O_RDWR | O_CREAT);
	lock(fd, F_WRLCK);
	if (pwrite(fd, answer, 600, 0) != 600)
		err(1, "write");
	record("accepted", 870);
	snprintf(draft, sizeof draft, "%s", at("run/floor/.draft"));
	rename(draft, at("run/floor/event"));
	close(fd);

	/* Its turn. */
	held = opened("run/floor/lock", O_RDWR | O_CREAT);
	lock(held, F_WRLCK);
	folder = opendir(at("run/floor"));
	while (folder && readdir(folder))
		;
	closedir(folder);
	fd = opened("run/floor/event", O_RDONLY);
	if (read(fd, answer, sizeof answer) < 0)
		err(1, "read");
	close(fd);
	if (pwrite(held, answer, 1024, 0) != 1024)
		err(1, "write");
	trust_way("etc/netcue/hooks.d/");
	folder = opendir(at("etc/netcue/hooks.d"));
	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] != '.' && count < 4096)
			strcpy(names[count++], entry->d_name);
	closedir(folder);
	for (int hook = 0; hook < count; hook++) {
		snprintf(draft, sizeof draft, "etc/netcue/hooks.d/%s", names[hook]);
		trust(at(draft));
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (read(fd, answer, 4096) < 0)
			err(1, "read");
		close(fd);
	}
	record("run-begin", 180 + 60 * (size_t)(count > 10 ? 10 : count));
	read_the_kernel();
	for (int hook = 0; hook < count; hook++) {
		record("step", 290);
		snprintf(draft, sizeof draft, "%s/etc/netcue/hooks.d/%s", root, names[hook]);
		run(draft, environment);
	}
	record("outcome", 320);
	unlink(at("run/floor/event"));
	folder = opendir(at("run/floor"));
	while (folder && readdir(folder))
		;
	closedir(folder);
	lock(held, F_UNLCK);
	return 0;
}
