/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp/process.h"

#include "base/file.h"
#include "qmp/deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/*
 * How a QEMU is found again.
 *
 * The starter opens qemu.lock and takes an OFD write lock on it: a lock that belongs to the open
 * file, not to a process. QEMU inherits that open file across fork and exec, and the starter closes
 * its own descriptor; so the lock is held exactly as long as QEMU lives, whatever becomes of the
 * starter and however QEMU ends, and nothing has to be cleaned up. (A classic POSIX lock would
 * belong to the starter; flock() would do as well, but can only be tested by taking it, and a
 * reader who tests would then be in the way of a starter. F_OFD_GETLK only looks.)
 *
 * Before it executes QEMU, the new process writes "PID FD" into the file: itself, and the number
 * under which it has the lock open. While there is no such line somebody is about to start one. A
 * pid is believed only while that process has this very file open under that number, so that a
 * recycled pid can never be signalled.
 *
 * The process is forked twice and is nobody's child: it can be no zombie of ours.
 */

#define LOCK_NAME "qemu.lock"
#define LOG_NAME "qemu.log"

static int folder_path(char *path, size_t size, const char *folder, const char *name)
{
	int length = snprintf(path, size, "%s/%s", folder, name);

	return length < 0 || (size_t)length >= size ? -1 : 0;
}

int process_lock(const char *folder, int *fd, struct dd_error *err)
{
	char path[PATH_MAX];
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (folder_path(path, sizeof path, folder, LOCK_NAME))
		return error_set(err, DD_INVALID, "folder name is too long");

	CLEANUP(close) int made = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (made < 0)
		return error_errno(err, errno, "cannot open %s", path);
	if (fcntl(made, F_OFD_SETLK, &whole)) {
		if (errno == EAGAIN || errno == EACCES)
			return error_set(err, DD_EXISTS, "it is running already");
		return error_errno(err, errno, "cannot lock %s", path);
	}
	if (ftruncate(made, 0))
		return error_errno(err, errno, "cannot write %s", path);
	*fd = made;
	made = -1;
	return 0;
}

/* Keeps the last part of a log that has grown. */
static int log_cut(int fd, off_t size)
{
	static const size_t keep = PROCESS_LOG_MAX / 4;
	CLEANUP(free) char *tail = malloc(keep);

	if (!tail)
		return -1;

	ssize_t got = pread(fd, tail, keep, size - (off_t)keep);

	if (got < 0 || ftruncate(fd, 0))
		return -1;
	return write(fd, tail, (size_t)got) == got ? 0 : -1;
}

int process_log(const char *folder, int *fd, struct dd_error *err)
{
	char path[PATH_MAX];
	struct stat info;

	if (folder_path(path, sizeof path, folder, LOG_NAME))
		return error_set(err, DD_INVALID, "folder name is too long");

	CLEANUP(close)
	int made = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (made < 0 || fstat(made, &info))
		return error_errno(err, errno, "cannot open %s", path);
	if (info.st_size > (off_t)PROCESS_LOG_MAX && log_cut(made, info.st_size))
		return error_errno(err, errno, "cannot shorten %s", path);
	*fd = made;
	made = -1;
	return 0;
}

/* What the new process tells the starter through a pipe that exec closes. */
struct report {
	pid_t pid;
	int error; /* errno of what failed; 0: about to execute */
};

/*
 * From here to exec only what is safe in a child of a program with threads: no allocation, no
 * stdio.
 */
static char *put_number(char *at, long number)
{
	char digits[24];
	size_t count = 0;

	do
		digits[count++] = (char)('0' + number % 10);
	while (number /= 10);
	while (count)
		*at++ = digits[--count];
	return at;
}

static int write_pid(int lock)
{
	char line[64];
	char *end = put_number(line, getpid());

	*end++ = ' ';
	end = put_number(end, lock);
	*end++ = '\n';
	return pwrite(lock, line, (size_t)(end - line), 0) == end - line ? 0 : -1;
}

static int keep_only(const struct spawn *spawn)
{
	if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC))
		return -1;
	for (size_t i = 0; i < spawn->keep_count; i++)
		if (fcntl(spawn->keep[i], F_SETFD, 0))
			return -1;
	return spawn->lock >= 0 ? fcntl(spawn->lock, F_SETFD, 0) : 0;
}

static void reset_signals(void)
{
	struct sigaction usual = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		sigaction(number, &usual, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int prepare_child(const struct spawn *spawn, int null, pid_t parent)
{
	reset_signals();
	if (dup2(null, 0) < 0 || dup2(spawn->log, 1) < 0 || dup2(spawn->log, 2) < 0)
		return -1;
	if (chdir("/"))
		return -1;
	umask(0077);
	if (spawn->cpus && sched_setaffinity(0, sizeof *spawn->cpus, spawn->cpus))
		return -1;
	if (spawn->lock >= 0)
		return write_pid(spawn->lock) || keep_only(spawn) ? -1 : 0;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		return -1;
	return keep_only(spawn);
}

__attribute__((noreturn)) static void run_child(
	const struct spawn *spawn, int null, int pipe, pid_t parent)
{
	struct report report = {.pid = getpid()};
	/* nothing of the caller's environment, which may hold anything, reaches the program */
	static char locale[] = "LC_ALL=C";
	static char path[] = "PATH=/usr/bin:/bin";
	static char *const environment[] = {locale, path, NULL};
	ssize_t unused;

	if (prepare_child(spawn, null, parent) == 0) {
		unused = write(pipe, &report, sizeof report);
		execve(spawn->argv[0], spawn->argv, environment);
	}
	report.error = errno ? errno : EINTR;
	unused = write(pipe, &report, sizeof report);
	(void)unused;
	_exit(127);
}

static int fork_once(const struct spawn *spawn, int null, int pipe, pid_t *child)
{
	pid_t parent = getpid();

	*child = fork();
	if (*child == 0)
		run_child(spawn, null, pipe, parent);
	return *child < 0 ? -1 : 0;
}

static int fork_twice(const struct spawn *spawn, int null, int pipe)
{
	pid_t between = fork();
	int status = 0;

	if (between < 0)
		return -1;
	if (between == 0) {
		pid_t child;

		setsid();
		_exit(fork_once(spawn, null, pipe, &child) ? 1 : 0);
	}
	while (waitpid(between, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	errno = EAGAIN;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* The pipe ends without an error when exec has closed it. */
static int read_report(int pipe, struct report *report)
{
	struct report next;

	memset(report, 0, sizeof *report);
	for (;;) {
		ssize_t size = read(pipe, &next, sizeof next);

		if (size < 0 && errno == EINTR)
			continue;
		if (size != (ssize_t)sizeof next)
			return size < 0 || !report->pid ? -1 : 0;
		*report = next;
	}
}

static int failed(const struct spawn *spawn, int number, struct dd_error *err)
{
	int code = error_errno(err, number, "cannot run %s", spawn->argv[0]);

	if (number == ENOENT)
		code = DD_NOT_FOUND;
	else if (number == EACCES || number == ENOEXEC || number == EISDIR || number == ENOTDIR)
		code = DD_HYPERVISOR;
	if (err)
		err->code = code;
	return code;
}

int process_spawn(const struct spawn *spawn, struct dd_error *err)
{
	CLEANUP(close) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	CLEANUP(close) int reader = -1;
	struct report report;
	pid_t child = 0;
	int ends[2];

	if (null < 0 || pipe2(ends, O_CLOEXEC))
		return error_errno(err, errno, "cannot start a process");
	reader = ends[0];

	int result = spawn->lock >= 0 ? fork_twice(spawn, null, ends[1])
				      : fork_once(spawn, null, ends[1], &child);
	int number = errno;

	close(ends[1]);
	if (result)
		return error_errno(err, number, "cannot start a process");
	result = read_report(reader, &report);
	if (!result && !report.error) {
		if (spawn->pid)
			*spawn->pid = report.pid;
		return 0;
	}
	if (child)
		waitpid(child, NULL, 0);
	if (result)
		return error_set(err, DD_HYPERVISOR, "%s died before it began", spawn->argv[0]);
	return failed(spawn, report.error, err);
}

static bool is_locked(int fd)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	return fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

/* The process that wrote the file, if it still has it open; 0 otherwise. */
static pid_t read_pid(int fd)
{
	char line[64];
	char path[64];
	int pid = 0;
	int number = 0;
	struct stat ours;
	struct stat theirs;
	ssize_t size = pread(fd, line, sizeof line - 1, 0);

	if (size <= 0)
		return 0;
	line[size] = '\0';

	char *end = line;
	long first = strtol(line, &end, 10);
	long second = strtol(end, NULL, 10);

	if (first <= 0 || first > INT_MAX || second < 0 || second > INT_MAX)
		return 0;
	pid = (int)first;
	number = (int)second;
	snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, number);
	if (fstat(fd, &ours) || stat(path, &theirs))
		return 0;
	return ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino ? pid : 0;
}

/* The lock file if a process holds it, otherwise -1. */
static int open_locked(const char *folder)
{
	char path[PATH_MAX];

	if (folder_path(path, sizeof path, folder, LOCK_NAME))
		return -1;

	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0 && !is_locked(fd)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

bool process_alive(const char *folder, pid_t *pid)
{
	CLEANUP(close) int fd = open_locked(folder);

	if (fd < 0)
		return false;
	if (pid)
		*pid = read_pid(fd);
	return true;
}

int process_handle(const char *folder)
{
	CLEANUP(close) int fd = open_locked(folder);
	pid_t pid = fd < 0 ? 0 : read_pid(fd);
	int handle = pid ? pidfd_open(pid, 0) : -1;

	/* the pid may have changed hands before the handle was made, but not after */
	if (handle >= 0 && read_pid(fd) != pid) {
		close(handle);
		handle = -1;
	}
	return handle;
}

int process_signal(const char *folder, int number, struct dd_error *err)
{
	CLEANUP(close) int handle = process_handle(folder);

	if (handle < 0)
		return process_alive(folder, NULL)
			       ? error_set(err, DD_BUSY, "QEMU is just being started")
			       : error_set(err, DD_NOT_FOUND, "it is not running");
	if (pidfd_send_signal(handle, number, NULL, 0) && errno != ESRCH)
		return error_errno(err, errno, "cannot end QEMU");
	return 0;
}

int process_await_exit(const char *folder, int wait_ms, struct dd_error *err)
{
	int64_t deadline = deadline_in(wait_ms);
	CLEANUP(close) int first = process_handle(folder);
	struct pollfd ended = {.fd = first, .events = POLLIN};

	while (process_alive(folder, NULL)) {
		CLEANUP(close) int handle = process_handle(folder);
		struct pollfd exit = {.fd = handle, .events = POLLIN};
		int left = deadline_left(deadline);

		if (!left)
			return error_set(err, DD_BUSY, "it is still running");
		/* an interrupted or failing wait is only a shorter one */
		if (handle < 0 || poll(&exit, 1, left) != 0)
			deadline_nap(2);
	}
	/* it lets go of its files one after the other, and of this one early: its images must
	 * follow */
	if (first >= 0)
		(void)poll(&ended, 1, deadline_left(deadline));
	return 0;
}
