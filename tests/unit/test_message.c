#include "testing.h"

#include "ipc/message.h"

/*
 * Every message is written, read back and compared by writing it again; then each of its
 * prefixes, and the whole with one more byte, must be refused.  What a peer can get wrong
 * besides has rows of its own.
 */

static struct arena *arena;
static struct reason why;

struct message {
	uint8_t data[4096];
	size_t  len;
};

#define WRITE(out, call)                                                        \
	do {                                                                    \
		CBB cbb;                                                        \
                                                                                \
		assert_true(CBB_init_fixed(&cbb, (out)->data, sizeof (out)->data)); \
		assert_true(call && CBB_finish(&cbb, NULL, &(out)->len));       \
	} while (0)

typedef bool reread(struct message *again, CBS *in);

/* Reads and writes again: the same bytes.  Shorter and longer is not that message. */
static void
check(const struct message *m, reread *read, bool has_tail)
{
	struct message again, longer = *m;
	CBS in;

	CBS_init(&in, m->data, m->len);
	if (!read(&again, &in))
		fail_msg("%s", why.text);
	assert_int_equal(again.len, m->len);
	assert_memory_equal(again.data, m->data, m->len);
	for (size_t len = 0; len < m->len && !has_tail; len++) {
		CBS_init(&in, m->data, len);
		if (read(&again, &in))
			fail_msg("accepted with %zu of %zu bytes", len, m->len);
	}
	longer.data[longer.len++] = 0;
	CBS_init(&in, longer.data, longer.len);
	if (!has_tail)
		assert_false(read(&again, &in));
}

static struct dv_key
key_of(enum dv_fact_type type)
{
	struct dv_key key;

	memset(&key, 0, sizeof key);
	key.type = type;
	switch (type) {
	case DV_FACT_TCB_INFO:
		memset(key.fmspc, 0xab, sizeof key.fmspc);
		/* fall through */
	case DV_FACT_QE_IDENTITY:
		key.tee = DV_TEE_TDX;
		key.early = true;
		break;
	case DV_FACT_PCK_CRL:
		key.ca = DV_PCK_CA_PROCESSOR;
		break;
	case DV_FACT_ROOT_CA_CRL:
		break;
	case DV_FACT_PCK_CERTIFICATE:
		memset(key.pck.qe_id, 0x11, sizeof key.pck.qe_id);
		memset(key.pck.encrypted_ppid, 0x22, sizeof key.pck.encrypted_ppid);
		memset(key.pck.cpu_svn, 0x33, sizeof key.pck.cpu_svn);
		memset(key.pck.pce_svn, 0x44, sizeof key.pck.pce_svn);
		memset(key.pck.pce_id, 0x55, sizeof key.pck.pce_id);
		key.pck.encrypted_ppid_len = 384;
		break;
	case DV_FACT_IMAGE:
		memset(key.image, 0xcd, sizeof key.image);
		break;
	case DV_FACT_KERNEL:
		memset(key.image, 0xcd, sizeof key.image);
		key.initrd_addr = 0x7ffbf001;
		break;
	}
	return key;
}

static bool
key_again(struct message *again, CBS *in)
{
	struct dv_key key;

	if (!message_key_read(&key, in, &why) || CBS_len(in) != 0)
		return false;
	WRITE(again, message_key_write(&cbb, &key));
	return true;
}

static void
test_keys(void **state)
{
	for (unsigned type = DV_FACT_TCB_INFO; type <= DV_FACT_KERNEL; type++) {
		struct dv_key key = key_of(type), read;
		struct message m;
		CBS in;

		WRITE(&m, message_key_write(&cbb, &key));
		check(&m, key_again, false);
		CBS_init(&in, m.data, m.len);
		assert_true(message_key_read(&read, &in, &why));
		assert_memory_equal(&read, &key, sizeof key);
	}
}

static const struct {
	const char *name, *bytes;
	size_t  len;
} bad_keys[] = {
	{ "type 0", "\0", 1 },
	{ "type 8", "\10", 1 },
	{ "kernel without an address", "\7" "0123456789abcdef0123456789abcdef" "123", 36 },
	{ "type 255", "\xff", 1 },
	{ "TEE 0", "\2\0\0", 3 },
	{ "TEE 3", "\2\3\0", 3 },
	{ "update 2", "\2\1\2", 3 },
	{ "CA 0", "\3\0", 2 },
	{ "CA 3", "\3\3", 2 },
};

static void
test_bad_keys(void **state)
{
	for (size_t i = 0; i < NELEM(bad_keys); i++) {
		struct dv_key key;
		CBS in;

		CBS_init(&in, (const uint8_t *)bad_keys[i].bytes, bad_keys[i].len);
		if (message_key_read(&key, &in, &why))
			fail_msg("%s", bad_keys[i].name);
		assert_string_equal(why.text, "key message is malformed");
	}
}

/* An encrypted PPID has one of two lengths. */
static void
test_pck_lengths(void **state)
{
	static const size_t lens[] = { 0, 255, 256, 257, 383, 384 };

	for (size_t i = 0; i < NELEM(lens); i++) {
		struct dv_key key = key_of(DV_FACT_PCK_CERTIFICATE);
		struct message m;
		CBS in;

		key.pck.encrypted_ppid_len = lens[i];
		WRITE(&m, message_key_write(&cbb, &key));
		CBS_init(&in, m.data, m.len);
		assert_int_equal(message_key_read(&key, &in, &why), lens[i] == 256 || lens[i] == 384);
	}
}

static bool
job_again(struct message *again, CBS *in)
{
	struct job_head head = { 0 };
	struct bytes body;

	if (!message_job_read(&head, &body, in, &why))
		return false;
	WRITE(again, message_job_write(&cbb, &head) && CBB_add_bytes(&cbb, body.ptr, body.len));
	return true;
}

static void
test_job(void **state)
{
	struct job_head head = { .kind = JOB_QUOTE, .full_reason = true, .nfailures = 2 };
	struct message m;
	CBS in;

	head.failures[0] = (struct dv_failure){ .key = key_of(DV_FACT_TCB_INFO),
	    .http_status = 404 };
	head.failures[1] = (struct dv_failure){ .key = key_of(DV_FACT_IMAGE),
	    .refusal = { (const uint8_t *)"no image", 8 }, .retryable = true };
	WRITE(&m, message_job_write(&cbb, &head) && CBB_add_bytes(&cbb, (const uint8_t *)"body", 4));
	check(&m, job_again, true);
	for (size_t len = 0; len < m.len - 4; len++) {
		CBS_init(&in, m.data, len);
		assert_false(job_again(&(struct message){ .len = 0 }, &in));
	}
	m.data[0] = 0;
	CBS_init(&in, m.data, m.len);
	assert_false(job_again(&(struct message){ .len = 0 }, &in));
	m.data[0] = JOB_FAULT + 1;
	CBS_init(&in, m.data, m.len);
	assert_false(job_again(&(struct message){ .len = 0 }, &in));
	m.data[0] = JOB_VERIFY;
	m.data[3] = MESSAGE_MAX_FAILURES + 1;
	CBS_init(&in, m.data, m.len);
	assert_false(job_again(&(struct message){ .len = 0 }, &in));
}

static bool
verdict_again(struct message *again, CBS *in)
{
	struct verdict_head head;
	struct bytes text;

	if (!message_verdict_read(&head, &text, in, &why))
		return false;
	WRITE(again, message_verdict_write(&cbb, &head) &&
	    CBB_add_bytes(&cbb, text.ptr, text.len));
	return true;
}

/* A verdict that contradicts itself is no verdict: whoever says valid says nothing else. */
static const struct {
	const char *name;
	struct verdict_head head;
	bool    ok;
} verdicts[] = {
	{ "valid", { .http_status = 200, .valid = true, .public_key_operations = 1 }, true },
	{ "invalid", { .http_status = 200, .stage = DV_STAGE_QUOTE }, true },
	{ "bad request", { .http_status = 422, .stage = DV_STAGE_REQUEST }, true },
	{ "status 0", { .stage = DV_STAGE_QUOTE }, false },
	{ "status 503", { .http_status = 503, .stage = DV_STAGE_QUOTE }, false },
	{ "valid bad request", { .http_status = 400, .valid = true }, false },
	{ "valid and retryable", { .http_status = 200, .valid = true, .retryable = true }, false },
	{ "valid, unavailable", { .http_status = 200, .valid = true, .unavailable = true }, false },
	{ "valid, failed", { .http_status = 200, .valid = true, .stage = DV_STAGE_POLICY }, false },
	{ "stage 8", { .http_status = 200, .stage = 8 }, false },
};

static void
test_verdicts(void **state)
{
	for (size_t i = 0; i < NELEM(verdicts); i++) {
		struct message m, again;
		CBS in;

		WRITE(&m, message_verdict_write(&cbb, &verdicts[i].head) && CBB_add_u8(&cbb, '{'));
		CBS_init(&in, m.data, m.len);
		if (verdict_again(&again, &in) != verdicts[i].ok)
			fail_msg("%s", verdicts[i].name);
		if (verdicts[i].ok)
			check(&m, verdict_again, true);
	}
}

static bool
need_again(struct message *again, CBS *in)
{
	struct dv_key keys[DV_NEEDS_MAX];
	size_t n;

	if (!message_need_read(keys, &n, in, &why))
		return false;
	WRITE(again, message_need_write(&cbb, keys, n));
	return true;
}

static void
test_needs(void **state)
{
	struct dv_key keys[] = { key_of(DV_FACT_TCB_INFO), key_of(DV_FACT_QE_IDENTITY),
	    key_of(DV_FACT_PCK_CRL), key_of(DV_FACT_ROOT_CA_CRL) };
	struct message m;
	CBS in;

	WRITE(&m, message_need_write(&cbb, keys, NELEM(keys)));
	CBS_init(&in, m.data, m.len);
	assert_true(need_again(&(struct message){ .len = 0 }, &in));
	/* One key more than a job can ask for. */
	m.data[m.len++] = DV_FACT_ROOT_CA_CRL;
	CBS_init(&in, m.data, m.len);
	assert_false(need_again(&(struct message){ .len = 0 }, &in));
	CBS_init(&in, m.data, 0);
	assert_false(need_again(&(struct message){ .len = 0 }, &in));
}

static bool
fact_again(struct message *again, CBS *in)
{
	struct fact_message fact;

	if (!message_fact_read(&fact, in, &why))
		return false;
	WRITE(again, message_fact_write(&cbb, &fact));
	return true;
}

static bool
checked_again(struct message *again, CBS *in)
{
	struct checked_message checked;

	if (!message_checked_read(&checked, in, &why))
		return false;
	WRITE(again, message_checked_write(&cbb, &checked));
	return true;
}

static bool
failed_again(struct message *again, CBS *in)
{
	struct dv_failure failure;

	if (!message_failed_read(&failure, in, &why))
		return false;
	WRITE(again, message_failed_write(&cbb, &failure));
	return true;
}

static void
test_facts(void **state)
{
	const struct fact_message fact = {
		.key = key_of(DV_FACT_PCK_CRL),
		.serial = UINT64_MAX,
		.candidate = true,
		.stale = true,
		.fact = {
			.body = { (const uint8_t *)"body", 4 },
			.chain = { (const uint8_t *)"chain", 5 },
			.fetched_at = -1,
		},
	};
	const struct checked_message checked = {
		.key = key_of(DV_FACT_TCB_INFO),
		.serial = 5,
		.accepted = true,
		.dates = { 1, 2, 3 },
		.reason = bytes_str("because"),
	};
	static const uint8_t text[MESSAGE_MAX_REFUSAL_LEN + 1];
	struct dv_failure failure = { .key = key_of(DV_FACT_PCK_CERTIFICATE), .http_status = 404,
	    .refusal = { text, MESSAGE_MAX_REFUSAL_LEN } };
	uint8_t room[2048];
	CBB out;
	CBS in;
	struct message m;

	WRITE(&m, message_fact_write(&cbb, &fact));
	check(&m, fact_again, false);
	WRITE(&m, message_checked_write(&cbb, &checked));
	check(&m, checked_again, false);
	WRITE(&m, message_failed_write(&cbb, &failure));
	assert_true(m.len <= 1024);
	check(&m, failed_again, false);
	failure.refusal.len++;
	assert_true(CBB_init_fixed(&out, room, sizeof room));
	assert_false(message_failed_write(&out, &failure));
	CBB_cleanup(&out);
	/* The same, told by the length in front of the text. */
	m.data[m.len - MESSAGE_MAX_REFUSAL_LEN - 2]++;
	m.data[m.len++] = 0;
	CBS_init(&in, m.data, m.len);
	assert_false(message_failed_read(&failure, &in, &why));
	assert_string_equal(why.text, "failure message is malformed");
}

static bool
names_again(struct message *again, CBS *in)
{
	struct names_message names;

	if (!message_names_read(&names, in, &why))
		return false;
	WRITE(again, message_names_write(&cbb, &names));
	return true;
}

static bool
record_again(struct message *again, CBS *in)
{
	struct record_message record;

	if (!message_record_read(&record, in, &why))
		return false;
	WRITE(again, message_record_write(&cbb, &record));
	return true;
}

static bool
registers_again(struct message *again, CBS *in)
{
	struct registers_message registers;

	if (!message_registers_read(&registers, in, &why))
		return false;
	WRITE(again, message_registers_write(&cbb, &registers));
	return true;
}

static const struct {
	const char *name;
	struct record_message record;
	bool    ok;
} records[] = {
	{ "measured", { .ok = true, .payload = { (const uint8_t *)"abc", 3 } }, true },
	{ "refused", { .refused = true, .reason = { (const uint8_t *)"why", 3 } }, true },
	{ "failed", { .reason = { (const uint8_t *)"why", 3 } }, true },
	{ "nothing measured", { .ok = true }, false },
	{ "no reason", { .refused = true }, false },
	{ "measured and refused", { .ok = true, .refused = true,
	    .payload = { (const uint8_t *)"abc", 3 } }, false },
	{ "measured, with a reason", { .ok = true, .payload = { (const uint8_t *)"abc", 3 },
	    .reason = { (const uint8_t *)"why", 3 } }, false },
	{ "refused, with a record", { .payload = { (const uint8_t *)"abc", 3 },
	    .reason = { (const uint8_t *)"why", 3 } }, false },
};

static void
test_measuring(void **state)
{
	const struct names_message names = { bytes_str("ovmf.fd"), bytes_str("bzImage"),
	    bytes_str("initrd") };
	const struct registers_message registers = { bytes_str("{}"), bytes_str("text") };
	struct message m, again;
	CBS in;

	WRITE(&m, message_names_write(&cbb, &names));
	check(&m, names_again, false);
	WRITE(&m, message_registers_write(&cbb, &registers));
	check(&m, registers_again, false);
	for (size_t i = 0; i < NELEM(records); i++) {
		WRITE(&m, message_record_write(&cbb, &records[i].record));
		CBS_init(&in, m.data, m.len);
		if (record_again(&again, &in) != records[i].ok)
			fail_msg("%s", records[i].name);
		if (records[i].ok)
			check(&m, record_again, false);
	}
}

static bool
unpacked_again(struct message *again, CBS *in)
{
	struct unpacked_message unpacked;

	if (!message_unpacked_read(&unpacked, in, &why))
		return false;
	WRITE(again, message_unpacked_write(&cbb, &unpacked));
	return true;
}

static bool
images_again(struct message *again, CBS *in)
{
	struct images_message images;

	if (!message_images_read(&images, in, &why))
		return false;
	WRITE(again, message_images_write(&cbb, &images));
	return true;
}

static bool
images_done_again(struct message *again, CBS *in)
{
	struct images_done_message done;

	if (!message_images_done_read(&done, in, &why))
		return false;
	WRITE(again, message_images_done_write(&cbb, &done));
	return true;
}

static bool
progress_again(struct message *again, CBS *in)
{
	struct progress_message progress;

	if (!message_progress_read(&progress, in, &why))
		return false;
	WRITE(again, message_progress_write(&cbb, &progress));
	return true;
}

static const struct {
	const char *name;
	struct unpacked_message unpacked;
	bool    ok;
} unpackings[] = {
	{ "unpacked", { true, false, 7, { 0 } }, true },
	{ "refused", { false, true, 0, { (const uint8_t *)"no", 2 } }, true },
	{ "failed", { false, false, 0, { (const uint8_t *)"no", 2 } }, true },
	{ "unpacked and refused", { true, true, 7, { 0 } }, false },
	{ "unpacked, with a reason", { true, false, 7, { (const uint8_t *)"no", 2 } }, false },
	{ "refused, with bytes", { false, true, 7, { (const uint8_t *)"no", 2 } }, false },
	{ "refused without a reason", { false, true, 0, { 0 } }, false },
};

static void
test_images(void **state)
{
	const struct images_message images = { IMAGES_EVICT, true, { 1, 2, 3 } };
	const struct images_done_message done = { true, bytes_str("{}"), bytes_str("text") };
	const struct progress_message progress = { { 4 }, 5, 6 };
	struct message m, again;
	CBS in;

	WRITE(&m, message_images_write(&cbb, &images));
	check(&m, images_again, false);
	for (unsigned operation = 0; operation <= IMAGES_EVICT + 1; operation++) {
		m.data[0] = (uint8_t)operation;
		CBS_init(&in, m.data, m.len);
		assert_int_equal(images_again(&again, &in),
		    operation >= IMAGES_LIST && operation <= IMAGES_EVICT);
	}
	assert_string_equal(why.text, "IMAGES message is malformed");
	WRITE(&m, message_images_done_write(&cbb, &done));
	check(&m, images_done_again, false);
	WRITE(&m, message_progress_write(&cbb, &progress));
	check(&m, progress_again, false);
	for (size_t i = 0; i < NELEM(unpackings); i++) {
		WRITE(&m, message_unpacked_write(&cbb, &unpackings[i].unpacked));
		CBS_init(&in, m.data, m.len);
		if (unpacked_again(&again, &in) != unpackings[i].ok)
			fail_msg("%s", unpackings[i].name);
		if (unpackings[i].ok)
			check(&m, unpacked_again, false);
	}
}

static bool
worker_config_again(struct message *again, CBS *in)
{
	struct worker_config config;

	if (!message_worker_config_read(&config, arena, in, &why))
		return false;
	WRITE(again, message_worker_config_write(&cbb, &config));
	return true;
}

static bool
acceptor_config_again(struct message *again, CBS *in)
{
	struct acceptor_config config;

	if (!message_acceptor_config_read(&config, in, &why))
		return false;
	WRITE(again, message_acceptor_config_write(&cbb, &config));
	return true;
}

static bool
fetcher_config_again(struct message *again, CBS *in)
{
	struct fetcher_config config;

	if (!message_fetcher_config_read(&config, arena, in, &why))
		return false;
	WRITE(again, message_fetcher_config_write(&cbb, &config));
	return true;
}

static bool
ready_again(struct message *again, CBS *in)
{
	struct ready_message ready;

	if (!message_ready_read(&ready, in, &why))
		return false;
	WRITE(again, message_ready_write(&cbb, &ready));
	return true;
}

static bool
worker_again(struct message *again, CBS *in)
{
	struct worker_message worker;

	if (!message_worker_read(&worker, in, &why))
		return false;
	WRITE(again, message_worker_write(&cbb, &worker));
	return true;
}

/* Each member of the policy is another value than its default, so that none is forgotten. */
static void
test_policy(void **state)
{
	static const char *const items[] = { "a", "", "bc" };
	const struct dv_list list = { true, NELEM(items), items };
	struct worker_config config = { .npins = 3 }, read;
	struct dv_policy *p = &config.options.policy;
	struct message m;
	CBS in;

	*p = (struct dv_policy){
		DV_PROFILE_STRICT, DV_TCB_RULE_INTEL, DV_TCB_UPDATE_EARLY, 4, true, true, true, 5, 6,
		list, list, 7, 8, list, list, list, DV_OS_IMAGE_LISTED, list, list, true, list, list,
		true, "1.2", 9, true, true, true,
	};
	config.options.root_ca_tdx = (struct dv_span){ (const uint8_t *)"root", 4 };
	config.options.serve_stale_max_secs = 10;
	config.options.collateral_max_cache_age_secs = 11;
	config.options.root_crl_max_cache_age_secs = 12;
	config.options.has_image_key = true;
	memset(config.options.image_key, 0x77, sizeof config.options.image_key);
	config.options.pinned_at = true;
	config.options.at = -13;
	WRITE(&m, message_worker_config_write(&cbb, &config));
	check(&m, worker_config_again, false);
	CBS_init(&in, m.data, m.len);
	assert_true(message_worker_config_read(&read, arena, &in, &why));
	assert_string_equal(read.options.policy.minimum_os_version, "1.2");
	assert_string_equal(read.options.policy.allowed_tee_variants.items[2], "bc");
	assert_int_equal(read.options.policy.allowed_tee_variants.n, 3);
	assert_int_equal(read.options.policy.platform_grace_period_secs, 9);
	assert_int_equal(read.options.at, -13);
	assert_true(read.options.has_image_key);
	assert_memory_equal(read.options.image_key, config.options.image_key, 32);
	assert_int_equal(read.npins, 3);
	/* A profile that does not exist. */
	m.data[0] = 2;
	CBS_init(&in, m.data, m.len);
	assert_false(message_worker_config_read(&read, arena, &in, &why));
	assert_string_equal(why.text, "CONFIG message is malformed");
}

static void
test_configurations(void **state)
{
	static const char *const urls[] = { "https://a", "http://b" };
	const struct acceptor_config acceptor = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 503, true,
	    3 };
	const struct fetcher_config fetcher = { .pccs_urls = { true, 2, urls }, .cache_dir = "/c",
	    .serve_stale_max_secs = 5, .pinned_at = true, .at = 6,
	    .image_download_url = "http://i/{OS_IMAGE_HASH}", .image_download_timeout_secs = 7,
	    .image_cache_max_bytes = 8, .max_measurers = 9, .has_image_key = true,
	    .image_key = { 10 }, .progress = true, .log_level = 3 };
	const struct ready_message ready = { true, 0, bytes_str(""), bytes_str("d"),
	    bytes_str("i") };
	const struct worker_message worker = { 7, bytes_str("d"), bytes_str("i") };
	struct message m;
	uint32_t slot;
	CBS in;

	WRITE(&m, message_acceptor_config_write(&cbb, &acceptor));
	check(&m, acceptor_config_again, false);
	WRITE(&m, message_fetcher_config_write(&cbb, &fetcher));
	check(&m, fetcher_config_again, false);
	WRITE(&m, message_ready_write(&cbb, &ready));
	check(&m, ready_again, false);
	WRITE(&m, message_worker_write(&cbb, &worker));
	check(&m, worker_again, false);
	WRITE(&m, message_stuck_write(&cbb, 9));
	CBS_init(&in, m.data, m.len);
	assert_true(message_stuck_read(&slot, &in, &why));
	assert_int_equal(slot, 9);
	CBS_init(&in, m.data, m.len - 1);
	assert_false(message_stuck_read(&slot, &in, &why));
}

/* A text with a NUL inside is no C string, and a list may not promise more than there is. */
static void
test_hostile_lists(void **state)
{
	static const uint8_t nul[] = { 1, 1, 0, 0, 0, 2, 0, 0, 0, 'a', 0 };
	static const uint8_t many[] = { 1, 0xff, 0xff, 0, 0, 0, 0, 0, 0 };
	struct fetcher_config config;
	CBS in;

	CBS_init(&in, nul, sizeof nul);
	assert_false(message_fetcher_config_read(&config, arena, &in, &why));
	CBS_init(&in, many, sizeof many);
	assert_false(message_fetcher_config_read(&config, arena, &in, &why));
	assert_string_equal(why.text, "CONFIG message is malformed");
}

static int
setup(void **state)
{
	arena = arena_new((size_t)1 << 20);
	return arena == NULL;
}

static int
teardown(void **state)
{
	arena_free(arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_bad_keys),
		cmocka_unit_test(test_pck_lengths),
		cmocka_unit_test(test_job),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_needs),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_measuring),
		cmocka_unit_test(test_images),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_configurations),
		cmocka_unit_test(test_hostile_lists),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
