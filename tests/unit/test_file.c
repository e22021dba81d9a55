#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testing.h"
#include "config_show.h"

#include "cli/file.h"

static void
test_read(void **state)
{
	AUTO(arena_free) struct arena *arena = arena_new(1u << 20);
	struct reason why;
	struct bytes content;
	char *large = calloc(1, 100001);

	scratch_write("f", "text");
	assert_true(file_read(&content, arena, "f", 4, &why));
	assert_true(bytes_equal(content, bytes_str("text")));
	assert_false(file_read(&content, arena, "f", 3, &why));
	assert_string_equal(why.text, "longer than 3 bytes");
	assert_int_equal(why.kind, REASON_LIMIT);
	scratch_write("f", "");
	assert_true(file_read(&content, arena, "f", 0, &why));
	assert_int_equal(content.len, 0);

	assert_non_null(large);
	memset(large, 'x', 100000);
	scratch_write("f", large);
	assert_true(file_read(&content, arena, "f", 100000, &why));
	assert_true(bytes_equal(content, bytes_str(large)));
	free(large);

	assert_false(file_read(&content, arena, "none", 1, &why));
	assert_string_equal(why.text, "No such file or directory (os error 2)");
	assert_int_equal(why.kind, REASON_UNAVAILABLE);
	assert_false(file_read(&content, arena, ".", 1, &why));
	assert_string_equal(why.text, "Is a directory (os error 21)");
	assert_false(file_read(&content, arena, "/dev/zero", 100000, &why));
	assert_string_equal(why.text, "longer than 100000 bytes");
}

static void
test_find(void **state)
{
	char found[FILE_PATH_MAX], long_path[FILE_PATH_MAX + 2];

	scratch_write("f", "");
	assert_true(file_find(found, "f"));
	assert_string_equal(found, "f");
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(mkdir("d/e", 0700), 0);
	assert_int_equal(chdir("d/e"), 0);
	assert_true(file_find(found, "f"));
	assert_int_equal(*found, '/');
	assert_string_equal(found + strlen(found) - 2, "/f");
	assert_false(file_find(found, "e"));
	assert_false(file_find(found, "/none"));
	assert_true(file_find(found, "etc/passwd"));
	assert_string_equal(found, "/etc/passwd");
	assert_int_equal(chdir("../.."), 0);
	assert_int_equal(rmdir("d/e"), 0);
	assert_int_equal(rmdir("d"), 0);

	memset(long_path, 'x', sizeof long_path - 1);
	long_path[sizeof long_path - 1] = '\0';
	assert_false(file_find(found, long_path));
}

static void
test_write(void **state)
{
	AUTO(arena_free) struct arena *arena = arena_new(1u << 20);
	struct reason why;
	struct bytes content;

	assert_true(file_write("w", bytes_str("longer than the next"), &why));
	assert_true(file_write("w", bytes_str("next"), &why));
	assert_true(file_read(&content, arena, "w", 100, &why));
	assert_true(bytes_equal(content, bytes_str("next")));
	assert_false(file_write("none/w", bytes_str("x"), &why));
	assert_string_equal(why.text, "No such file or directory (os error 2)");
	assert_false(file_write("/dev/full", bytes_str("x"), &why));
	assert_string_equal(why.text, "No space left on device (os error 28)");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_write),
	};

	return cmocka_run_group_tests_name("file", tests, scratch_enter, scratch_leave);
}
