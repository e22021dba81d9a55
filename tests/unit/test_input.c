/* What a measurer reads of the files it is given, and what it does not. */
#include "testing.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "measure/manifest.h"
#include "measure/tdvf.h"
#include "measure/tdx_document.h"
#include "measurer/input.h"

#define LEN     150001          /* more than two pieces of an initrd */

/* A file of len bytes that has no name any more; its offset is not at its beginning. */
static int
file_make(size_t len)
{
	char path[] = "/tmp/test_input-XXXXXX";
	int fd = mkstemp(path);
	uint8_t *data = malloc(len + 1);

	assert_true(fd != -1 && data != NULL);
	assert_int_equal(unlink(path), 0);
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 7 + len);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	free(data);
	return fd;
}

/* Of another size, without that many bytes on the disk. */
static int
file_sparse(uint64_t len)
{
	int fd = file_make(0);

	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	return fd;
}

static void
files_make(int fds[INPUT_FILES])
{
	for (int i = 0; i < INPUT_FILES; i++)
		fds[i] = file_make(i == INPUT_INITRD ? LEN : (size_t)100 + (size_t)i);
}

static void
files_close(const int fds[INPUT_FILES])
{
	for (int i = 0; i < INPUT_FILES; i++)
		(void)close(fds[i]);
}

static void
test_all(void **state)
{
	struct digest256 sha256;
	struct digest384 sha384;
	uint8_t *initrd = malloc(LEN);
	struct input input;
	struct reason why;
	int fds[INPUT_FILES];

	files_make(fds);
	assert_non_null(initrd);
	assert_int_equal(pread(fds[INPUT_INITRD], initrd, LEN, 0), LEN);
	digest256_of(&sha256, (struct bytes){ initrd, LEN });
	digest384_of(&sha384, (struct bytes){ initrd, LEN });
	assert_true(input_read(&input, fds, INPUT_ALL, &why));
	assert_int_equal(input.files.manifest.len, 100);
	assert_int_equal(input.files.metadata.len, 101);
	assert_int_equal(input.files.firmware.len, 102);
	assert_int_equal(input.files.kernel.len, 103);
	assert_int_equal(input.files.kernel.ptr[2], 14 + 103);
	assert_int_equal(input.files.initrd_size, LEN);
	assert_true(digest256_equal(&input.files.initrd_sha256, &sha256));
	assert_true(digest384_equal(&input.files.initrd_sha384, &sha384));
	input_fini(&input);
	files_close(fds);
	free(initrd);
}

/* What a part does not need may be anything. */
static void
test_parts(void **state)
{
	struct input input;
	struct reason why;
	int fds[INPUT_FILES];

	files_make(fds);
	(void)close(fds[INPUT_FIRMWARE]);
	fds[INPUT_FIRMWARE] = -1;
	assert_true(input_read(&input, fds, INPUT_KERNEL_PART, &why));
	assert_int_equal(input.files.kernel.len, 103);
	assert_int_equal(input.files.initrd_size, LEN);
	assert_int_equal(input.files.firmware.len, 0);
	input_fini(&input);
	assert_true(input_read(&input, fds, INPUT_PAPERS, &why));
	assert_int_equal(input.files.kernel.len, 0);
	input_fini(&input);
	assert_false(input_read(&input, fds, INPUT_ALL, &why));
	assert_string_equal(why.text, "firmware is not a regular file");
	input_fini(&input);
	files_close(fds);
}

static const struct {
	const char *name;
	enum input_file file;
	uint64_t len;
	const char *why;        /* NULL: accepted */
} limits[] = {
	{ "empty manifest", INPUT_MANIFEST, 0, NULL },
	{ "longest manifest", INPUT_MANIFEST, MANIFEST_MAX_LEN, NULL },
	{ "longer manifest", INPUT_MANIFEST, MANIFEST_MAX_LEN + 1,
	    "sha256sum.txt has 16385 bytes, more than 16384" },
	{ "longest metadata", INPUT_METADATA, METADATA_MAX_LEN, NULL },
	{ "longer metadata", INPUT_METADATA, METADATA_MAX_LEN + 1,
	    "metadata.json has 65537 bytes, more than 65536" },
	{ "longer firmware", INPUT_FIRMWARE, TDVF_MAX_LEN + 1,
	    "firmware has 67108865 bytes, more than 67108864" },
	{ "longer kernel", INPUT_KERNEL, KERNEL_MAX_LEN + 1,
	    "kernel has 268435457 bytes, more than 268435456" },
	{ "longer initrd", INPUT_INITRD, UINT64_C(1) << 32,
	    "initrd has 4294967296 bytes, more than 4294967295" },
	{ "longest document", INPUT_DOCUMENT, TDX_DOCUMENT_MAX_LEN, NULL },
	{ "longer document", INPUT_DOCUMENT, TDX_DOCUMENT_MAX_LEN + 1,
	    "measurement.tdx.cbor has 65537 bytes, more than 65536" },
	{ "huge initrd", INPUT_INITRD, UINT64_C(1) << 42,
	    "initrd has 4398046511104 bytes, more than 4294967295" },
};

static void
test_limits(void **state)
{
	for (size_t i = 0; i < NELEM(limits); i++) {
		struct input input;
		struct reason why = { 0 };
		int fds[INPUT_FILES];
		bool ok;

		files_make(fds);
		(void)close(fds[limits[i].file]);
		fds[limits[i].file] = file_sparse(limits[i].len);
		ok = input_read(&input, fds, INPUT_ALL, &why);
		expect_reason(limits[i].name, ok, &why, limits[i].why);
		input_fini(&input);
		files_close(fds);
	}
}

/* Pipes, devices and directories can be read for ever, or not at all. */
static void
test_irregular(void **state)
{
	static const char *const paths[] = { "/dev/zero", "/" };
	struct input input;
	struct reason why;
	int fds[INPUT_FILES], ends[2];

	files_make(fds);
	for (size_t i = 0; i < NELEM(paths); i++) {
		(void)close(fds[INPUT_INITRD]);
		fds[INPUT_INITRD] = open(paths[i], O_RDONLY | O_CLOEXEC);
		assert_false(input_read(&input, fds, INPUT_ALL, &why));
		assert_string_equal(why.text, "initrd is not a regular file");
		input_fini(&input);
	}
	assert_int_equal(pipe(ends), 0);
	(void)close(fds[INPUT_MANIFEST]);
	fds[INPUT_MANIFEST] = ends[0];
	assert_false(input_read(&input, fds, INPUT_PAPERS, &why));
	assert_string_equal(why.text, "sha256sum.txt is not a regular file");
	input_fini(&input);
	(void)close(ends[1]);
	files_close(fds);
}

/* A descriptor that may not be read. */
static void
test_unreadable(void **state)
{
	char path[] = "/tmp/test_input-XXXXXX";
	struct input input;
	struct reason why;
	int fds[INPUT_FILES], made;

	files_make(fds);
	made = mkstemp(path);
	assert_int_equal(write(made, "x", 1), 1);
	(void)close(made);
	(void)close(fds[INPUT_KERNEL]);
	fds[INPUT_KERNEL] = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(unlink(path), 0);
	assert_false(input_read(&input, fds, INPUT_ALL, &why));
	assert_string_equal(why.text, "cannot read kernel");
	assert_int_equal(why.kind, REASON_UNAVAILABLE);
	input_fini(&input);
	files_close(fds);
}

/* Files of the kernel's own say that they are longer than what they give. */
static void
test_shorter(void **state)
{
	struct input input;
	struct reason why;
	int fds[INPUT_FILES];
	int fd = open("/sys/devices/system/cpu/online", O_RDONLY | O_CLOEXEC);

	if (fd == -1) {
		skip();
		return;
	}
	files_make(fds);
	(void)close(fds[INPUT_INITRD]);
	fds[INPUT_INITRD] = fd;
	assert_false(input_read(&input, fds, INPUT_ALL, &why));
	assert_string_equal(why.text, "initrd became shorter while it was read");
	assert_int_equal(why.kind, REASON_UNAVAILABLE);
	input_fini(&input);
	files_close(fds);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all), cmocka_unit_test(test_parts),
		cmocka_unit_test(test_limits), cmocka_unit_test(test_irregular),
		cmocka_unit_test(test_unreadable), cmocka_unit_test(test_shorter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
