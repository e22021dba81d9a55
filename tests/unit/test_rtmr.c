#include "testing.h"

#include <stdlib.h>

#include "core/hex.h"
#include "measure/rtmr.h"

static void
extend_text(struct digest384 *reg, const char *preimage, size_t len)
{
	struct digest384 event;

	digest384_of(&event, (struct bytes){ (const uint8_t *)preimage, len });
	digest384_extend(reg, &event);
}

static void
extend_hex(struct digest384 *reg, const char *hex)
{
	struct digest384 event;
	struct reason why;

	assert_true(hex_decode(event.data, bytes_str(hex), &why));
	digest384_extend(reg, &event);
}

/* UEFI_VARIABLE_DATA without data: GUID, two u64, the name in UTF-16. */
static void
extend_variable(struct digest384 *reg, const char *guid, const char *name)
{
	char event[64] = { 0 };
	size_t i, len = strlen(name);
	struct reason why;

	assert_true(hex_decode((uint8_t *)event, bytes_str(guid), &why));
	event[16] = (char)len;
	for (i = 0; i < len; i++)
		event[32 + 2 * i] = name[i];
	extend_text(reg, event, 32 + 2 * len);
}

#define GLOBAL          "61dfe48bca93d211aa0d00e098032b8c"
#define SECURITY        "cbb219d73a3d9645a3bcdad00e67656f"

/* All constants, from what they are digests of, but for the empty variable store's. */
static void
test_rtmr0(void **state)
{
	static const char cfv[] =
	    "344bc51c980ba621aaa00da3ed7436f7d6e549197dfe6995"
	    "15dfa2c6583d95e6412af21c097d473155875ffd561d6790";
	/* The load option of the firmware's UiApp. */
	static const char option[] =
	    "090100002c0055006900410070007000000004071400c9bdb87cebf8344faaea"
	    "3ee4af6516a10406140021aa2c4614760345836e8ab6f46623317fff0400";
	struct digest384 hob, want = { { 0 } }, got, events[RTMR0_EVENTS];
	struct acpi_digests acpi;
	struct reason why;
	uint8_t boot0000[62];

	memset(&hob, 1, sizeof hob);
	memset(acpi.loader, 2, sizeof acpi.loader);
	memset(acpi.rsdp, 3, sizeof acpi.rsdp);
	memset(acpi.tables, 4, sizeof acpi.tables);
	digest384_extend(&want, &hob);
	extend_hex(&want, cfv);
	extend_variable(&want, GLOBAL, "SecureBoot");
	extend_variable(&want, GLOBAL, "PK");
	extend_variable(&want, GLOBAL, "KEK");
	extend_variable(&want, SECURITY, "db");
	extend_variable(&want, SECURITY, "dbx");
	extend_text(&want, "\0\0\0\0", 4);
	memset(&hob, 2, sizeof hob);
	digest384_extend(&want, &hob);
	memset(&hob, 3, sizeof hob);
	digest384_extend(&want, &hob);
	memset(&hob, 4, sizeof hob);
	digest384_extend(&want, &hob);
	extend_text(&want, "\0\0", 2);
	assert_true(hex_decode(boot0000, bytes_str(option), &why));
	extend_text(&want, (const char *)boot0000, sizeof boot0000);

	memset(&hob, 1, sizeof hob);
	rtmr0_events(events, &hob, &acpi);
	rtmr_compute(&got, events, NELEM(events));
	assert_true(digest384_equal(&got, &want));
}

static void
test_rtmr1(void **state)
{
	static const char calling[] = "Calling EFI Application from Boot Option";
	static const char leaving[] = "Exit Boot Services Invocation";
	static const char left[] = "Exit Boot Services Returned with Success";
	struct digest384 kernel, want = { { 0 } }, got, events[RTMR1_EVENTS];

	memset(&kernel, 1, sizeof kernel);
	digest384_extend(&want, &kernel);
	extend_text(&want, calling, strlen(calling));
	extend_text(&want, "\0\0\0\0", 4);
	extend_text(&want, leaving, strlen(leaving));
	extend_text(&want, left, strlen(left));
	rtmr1_events(events, &kernel);
	rtmr_compute(&got, events, NELEM(events));
	assert_true(digest384_equal(&got, &want));
}

/* The value that upstream's own test pins. */
static void
test_rtmr2(void **state)
{
	static const char cmdline[] = "console=ttyS0 init=/init panic=1 dstack.rootfs_hash="
	    "1111111111111111111111111111111111111111111111111111111111111111"
	    " dstack.rootfs_size=4096";
	struct digest384 event, initrd, got, events[RTMR2_EVENTS];
	char hex[97];

	assert_true(rtmr_cmdline_digest(&event, bytes_str(cmdline)));
	hex_text(hex, BYTES_OF(event.data));
	assert_string_equal(hex, "bb4154e6e429e184bc63d544ae5720f868e5859b378b13bab69860e1fc65c09f1"
	    "b67277bba010841fbe8bc3619e58d58");
	memset(&initrd, 0x33, sizeof initrd);
	rtmr2_events(events, &event, &initrd);
	rtmr_compute(&got, events, NELEM(events));
	hex_text(hex, BYTES_OF(got.data));
	assert_string_equal(hex, "2fb6d31492cd2f073fe8fdaa9dbdff4dfdde92bf07f9a16c2b7123ae7be509000"
	    "7974d33bfe8807ac56974160f8f2948");
}

/* Rows of tests/vectors/measure/cmdline.txt: surrogates, the empty line, long ones. */
static void
test_cmdlines(void **state)
{
	char *text = strdup((const char *)vector_read("measure/cmdline.txt").ptr);
	char *line, *next = text, *hex;
	uint8_t cmdline[4096];
	struct digest384 digest;
	struct reason why;
	char got[97];
	unsigned n = 0;

	while ((line = strsep(&next, "\n")) != NULL && *line != '\0') {
		hex = strsep(&line, "\t");
		n++;
		assert_true(strlen(hex) <= 2 * sizeof cmdline);
		assert_true(hex_decode(cmdline, bytes_str(hex), &why));
		assert_true(rtmr_cmdline_digest(&digest,
		    (struct bytes){ cmdline, strlen(hex) / 2 }));
		hex_text(got, BYTES_OF(digest.data));
		if (strcmp(got, line) != 0)
			fail_msg("line %u: got %s", n, got);
	}
	assert_int_equal(n, 10);
	free(text);
}

static void
test_not_utf8(void **state)
{
	static const char *const cases[] = {
		"\x80", "a\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xff",
	};
	struct digest384 digest;
	size_t i;

	for (i = 0; i < NELEM(cases); i++)
		assert_false(rtmr_cmdline_digest(&digest, bytes_str(cases[i])));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rtmr0),
		cmocka_unit_test(test_rtmr1),
		cmocka_unit_test(test_rtmr2),
		cmocka_unit_test(test_cmdlines),
		cmocka_unit_test(test_not_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
