#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"
#include "config_show.h"

#include "cli/quote_command.h"
#include "cli/verify_command.h"

#define LONG_AGO        INT64_C(1000000000)

/* What a command writes to standard output; gives its exit status. */
static int
output_of(char *out, size_t room, int (*command)(struct session *session),
    const struct options *options, int64_t clock)
{
	struct session session;
	struct reason why;
	struct config *config = config_try("t.toml", "", NULL, NULL, &why);
	int ends[2], status;
	ssize_t n;
	pid_t pid;

	assert_non_null(config);
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		if (dup2(ends[1], STDOUT_FILENO) < 0 ||
		    !session_open(&session, &status, options, config, clock, &why))
			_exit(99);
		status = command(&session);
		session_close(&session);
		config_free(config);
		_exit(status);
	}
	close(ends[1]);
	for (*out = '\0'; (n = read(ends[0], out, room - 1)) > 0; out += n, room -= (size_t)n)
		out[n] = '\0';
	close(ends[0]);
	config_free(config);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* A clock before the release is not believed, unless a time is given. */
static void
test_clock(void **state)
{
	struct options options = { .mode = MODE_VERIFY, .file = "t.toml" };
	char out[4096];

	assert_int_equal(output_of(out, sizeof out, verify_command, &options, LONG_AGO), 1);
	assert_non_null(strstr(out, "\"kind\":\"unavailable\",\"retryable\":true}},"
	    "\"reason\":\"Internal error: system clock is before the release date\"}\n"));

	assert_int_equal(output_of(out, sizeof out, quote_command, &options, LONG_AGO), 1);
	assert_string_equal(out, "{\"quote_verified\":false,\"tee\":null,\"quote_version\":null,"
	    "\"fmspc\":null,\"pck_ca\":null,\"tcb_status\":null,\"advisory_ids\":null,"
	    "\"platform_tcb_status\":null,\"qe_tcb_status\":null,"
	    "\"tcb_evaluation_data_number\":null,\"report\":null,\"pinned\":null,"
	    "\"reason\":\"Internal error: system clock is before the release date\"}\n");

	options.has_at = true;
	options.at = LONG_AGO;
	assert_int_equal(output_of(out, sizeof out, verify_command, &options, LONG_AGO), 1);
	assert_non_null(strstr(out, "Failed to parse JSON: "));
}

static void
open_refused(const struct options *options, const char *file, const char *expected, int status)
{
	struct session session;
	struct reason why;
	struct config *config = config_try("t.toml", file, NULL, NULL, &why);
	int got;

	assert_non_null(config);
	assert_false(session_open(&session, &got, options, config, 0, &why));
	session_close(&session);
	config_free(config);
	assert_string_equal(why.text, expected);
	assert_int_equal(got, status);
}

static void
test_collateral(void **state)
{
	struct options options = { .mode = MODE_VERIFY, .file = "t.toml", .ncollateral = 1 };

	options.collateral[0] = "none.json";
	open_refused(&options, "", "cannot read collateral none.json: "
	    "No such file or directory (os error 2)", EXIT_USAGE);
	scratch_write("c.json", "[]");
	options.collateral[0] = "c.json";
	open_refused(&options, "", "collateral c.json: \"collateral\" is an array, not an object", EXIT_USAGE);
}

/* The words of the library for anchors that are none. */
static void
test_root_ca(void **state)
{
	static const char file[] = "[attestation]\ninsecure_allow_external_trust_anchors = true\n"
	    "root_ca.tdx = 'r.pem'\n";
	struct options options = { .mode = MODE_VERIFY, .file = "t.toml" };

	scratch_write("r.pem", "-----BEGIN");
	open_refused(&options, file, "failed to parse TDX root CA PEM: PEM marker is not BEGIN CERTIFICATE", EXIT_INVALID);
	scratch_write("r.pem", "text");
	open_refused(&options, file, "failed to parse TDX root CA certificate: BadDer", EXIT_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_collateral),
		cmocka_unit_test(test_root_ca),
	};

	return cmocka_run_group_tests_name("session", tests, scratch_enter, scratch_leave);
}
