#include "sandbox.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/landlock.h>

#include "ipc/log.h"

/* Newer than the headers of Debian 12: what the kernel knows it is asked for by number. */
#define ACCESS_FS_REFER         (UINT64_C(1) << 13)     /* ABI 2                        */
#define ACCESS_FS_TRUNCATE      (UINT64_C(1) << 14)     /* ABI 3                        */
#define ACCESS_FS_IOCTL_DEV     (UINT64_C(1) << 15)     /* ABI 5                        */
#define ACCESS_NET_TCP          UINT64_C(3)             /* ABI 4: bind and connect      */
#define SCOPE_ALL               UINT64_C(3)             /* ABI 6: sockets, signals      */

/* struct landlock_ruleset_attr as of ABI 6; an older kernel takes its beginning. */
struct ruleset {
	uint64_t fs, net, scoped;
};

#ifndef __has_feature
#define __has_feature(feature)  0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
/* The search for leaks at the end needs files and processes that a sandbox forbids, and goes on for
 * ever without them. */
__attribute__((visibility("default"))) int __lsan_is_turned_off(void);

int
__lsan_is_turned_off(void)
{
	return 1;
}
#endif

bool
sandbox_limit(const struct sandbox_limit *limits, size_t n, struct reason *why)
{
	for (size_t i = 0; i < n; i++) {
		const struct rlimit limit = { limits[i].value, limits[i].value };

		if (setrlimit((__rlimit_resource_t)limits[i].resource, &limit) == -1)
			return reject(why, REASON_INTERNAL, "cannot limit resource %d: %s",
			    limits[i].resource, strerror(errno));
	}
	errno = 0;
	if (nice(SANDBOX_NICE) == -1 && errno != 0)
		return reject(why, REASON_INTERNAL, "cannot lower the priority: %s",
		    strerror(errno));
	return true;
}

/* All that this kernel's Landlock can forbid. */
static size_t
ruleset_fill(struct ruleset *out, long abi)
{
	*out = (struct ruleset){ .fs = ACCESS_FS_REFER - 1 };
	if (abi >= 2)
		out->fs |= ACCESS_FS_REFER;
	if (abi >= 3)
		out->fs |= ACCESS_FS_TRUNCATE;
	if (abi >= 4)
		out->net = ACCESS_NET_TCP;
	if (abi >= 5)
		out->fs |= ACCESS_FS_IOCTL_DEV;
	if (abi >= 6)
		out->scoped = SCOPE_ALL;
	if (abi >= 6)
		return sizeof *out;
	return abi >= 4 ? offsetof(struct ruleset, scoped) : offsetof(struct ruleset, net);
}

static bool
directory_allow(int ruleset, int directory)
{
	const struct landlock_path_beneath_attr rule = {
		.allowed_access = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
		    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE,
		.parent_fd = directory,
	};

	return directory == -1 || syscall(SYS_landlock_add_rule, ruleset,
	    LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

bool
sandbox_files(int directory, const char *program, struct reason *why)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset rules;
	size_t len;
	int ruleset;
	bool ok;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return reject(why, REASON_INTERNAL, "cannot give up privileges: %s",
		    strerror(errno));
	if (abi < 1) {
		log_line(LOG_WARNING, program, "landlock=none");
		return true;
	}
	len = ruleset_fill(&rules, abi);
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, len, 0);
	if (ruleset == -1)
		return reject(why, REASON_INTERNAL, "cannot make a Landlock ruleset: %s",
		    strerror(errno));
	ok = directory_allow(ruleset, directory) &&
	    syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
	(void)close(ruleset);
	return ok || reject(why, REASON_INTERNAL, "cannot use Landlock: %s", strerror(errno));
}
