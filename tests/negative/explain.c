/*
 * What "explain": true adds to an answer: machines that run one thing and declare another, with
 * the first event that differs and the likely cause as text; the events of a sound machine, which
 * the simulator writes itself; and that it changes nothing else.
 */
#include <stdio.h>

#include "judge.h"
#include "published.h"

#define SHAPE           "the machine has another shape than vm_config says: "
#define NO_NEIGHBOUR    "no neighbouring VM shape has these ACPI tables and this memory map"
#define MIB             (UINT64_C(1) << 20)
#define ANSWER_MAX_LEN  ((size_t)256 << 10)     /* of the member                          */

static struct arena *arena;
static struct image_case image;

static int
setup(void **state)
{
	arena = arena_new((size_t)16 << 20);
	return arena == NULL;
}

static int
teardown(void **state)
{
	arena_free(arena);
	return 0;
}

/* ---- the member ---- */

#define MEMBER          ",\"explain\":"

/* The last member of details; "" when it is not there. */
static struct bytes
member_of(const char *answer)
{
	const char *from = strstr(answer, MEMBER), *to = NULL, *next;

	if (from == NULL)
		return bytes_str("");
	for (next = from; (next = strstr(next, "},\"reason\":")) != NULL; next++)
		to = next;
	assert_non_null(to);
	return (struct bytes){ (const uint8_t *)from, (size_t)(to - from) };
}

/* The answer without it. */
static const char *
rest_of(const char *answer)
{
	const struct bytes member = member_of(answer);
	size_t before = member.len == 0 ? 0 : (size_t)((const char *)member.ptr - answer);

	return build_str(build_text("%.*s%s", (int)before, answer, answer + before + member.len));
}

/* Judges twice; everything but the member is the same to the byte. */
static struct bytes
explanation_of(const char *name, const struct judge *judge, struct guest *m)
{
	const char *with, *without;

	guest_build(m);
	(void)judge_guest(judge, m);
	without = build_str(build_copy(judge_answer()));
	m->request = ",\"explain\":true";
	guest_build(m);
	(void)judge_guest(judge, m);
	with = build_str(build_copy(judge_answer()));
	if (strstr(without, "explain") != NULL || strcmp(rest_of(with), without) != 0)
		fail_msg("%s: asking changed\n%s\nto\n%s", name, without, with);
	return member_of(with);
}

static const char *
text_or_null(const char *text)
{
	return text == NULL ? "null" : build_str(build_text("\"%s\"", text));
}

/* ---- what spoils it ---- */

struct spoilt {
	const char *name;
	void    (*prepare)(struct guest *m, struct judge *judge, int arg);
	int     arg;
	struct change change;
	const char *first, *cause;      /* NULL: null                                     */
};

static void
rows_run(const struct spoilt *rows, size_t n,
    void (*base)(struct guest *m, struct judge *judge))
{
	struct judge judge;
	struct guest m;
	struct bytes got;
	const char *wanted;
	const void *mark;
	size_t bad = 0;

	for (size_t i = 0; i < n; i++) {
		mark = build_mark();
		judge_init(&judge);
		guest_init(&m, 0);
		base(&m, &judge);
		m.change = rows[i].change;
		if (rows[i].prepare != NULL)
			rows[i].prepare(&m, &judge, rows[i].arg);
		got = explanation_of(rows[i].name, &judge, &m);
		wanted = build_str(build_text("],\"first_divergence\":%s,\"likely_cause\":%s}",
		    text_or_null(rows[i].first), text_or_null(rows[i].cause)));
		if (got.len < strlen(wanted) || strcmp(build_str(build_keep(got.ptr + got.len -
		    strlen(wanted), strlen(wanted))), wanted) != 0) {
			print_error("%s: wanted %s\ngot %.*s\n%s\n", rows[i].name, wanted,
			    got.len > 600 ? 600 : (int)got.len,
			    (const char *)got.ptr + (got.len > 600 ? got.len - 600 : 0),
			    strstr(judge_answer(), "\"reason\":"));
			bad++;
		}
		build_release(mark);
	}
	print_message("# %zu cases\n", n);
	if (bad != 0)
		fail_msg("%zu of %zu rows", bad, n);
}

/* Declares one value where the machine has another. */
#define DECLARE(what, with)     REPLACE(STAGE_VM_CONFIG, what, with)
#define ADD(members)            DECLARE("\"image\"", members ",\"image\"")

static void
lite_base(struct guest *m, struct judge *judge)
{
}

static void
full_base(struct guest *m, struct judge *judge)
{
	m->full_log = true;
}

static void
document_base(struct guest *m, struct judge *judge)
{
	m->image.kernel_header_normalized = false;
}

static void
cpus(struct guest *m, struct judge *judge, int arg)
{
	m->shape.cpu_count = (uint32_t)arg;
}

static void
memory(struct guest *m, struct judge *judge, int arg)
{
	m->shape.memory_size = (uint64_t)arg * MIB;
}

static void
split(struct guest *m, struct judge *judge, int arg)
{
	memory(m, judge, arg);
	m->split_memory = true;
}

static void
release(struct guest *m, struct judge *judge, int arg)
{
	static const char *const releases[] = { "8.2.2", "10.0.2", "12.0.0", "10.2.0" };

	m->shape.qemu_version = bytes_str(releases[arg]);
}

static void
two_pass(struct guest *m, struct judge *judge, int arg)
{
	m->page_order = "true";
}

static void
hotplug(struct guest *m, struct judge *judge, int arg)
{
	m->shape.hotplug_off = false;
}

static void
hugepages(struct guest *m, struct judge *judge, int arg)
{
	m->shape.hugepages = true;
}

static void
pic(struct guest *m, struct judge *judge, int arg)
{
	m->shape.pic = arg != 0 ? ACPI_PIC_ON : ACPI_PIC_OFF;
}

static void
own_tables(struct guest *m, struct judge *judge, int arg)
{
	m->own_tables = true;
}

static void
own_tables_gpu(struct guest *m, struct judge *judge, int arg)
{
	m->own_tables = true;
	m->shape.hugepages = true;
	m->shape.num_gpus = 1;
}

static void
own_tables_nodes(struct guest *m, struct judge *judge, int arg)
{
	static const struct acpi_node node = { true, 5 };

	m->own_tables = true;
	m->shape.numa_nodes = &node;
	m->shape.n_numa_nodes = 1;
}

static void
own_tables_new(struct guest *m, struct judge *judge, int arg)
{
	m->own_tables = true;
	release(m, judge, 2);
}

/* A GPU on a port of bus 0 that can be plugged into: only QEMU itself makes its tables. */
static void
gpu_hotplug(struct guest *m, struct judge *judge, int arg)
{
	m->shape.num_gpus = 1;
	m->shape.hotplug_off = false;
	m->profile = ACPI_GENUINE;
	m->own_tables = arg != 0;
}

static void
log_keep(struct guest *m)
{
	guest_build(m);
	m->keep_log = true;
}

static void
log_digest(struct guest *m, struct judge *judge, int arg)
{
	log_keep(m);
	m->log[arg].digest = build_random(2, "digest", 0, 48);
}

/* An event more or less, and registers that follow. */
static void
log_replay(struct guest *m)
{
	uint8_t *rtmr = m->intel.quote.body + TD_RTMR0;

	memset(rtmr, 0, 3 * (size_t)EVENT_DIGEST_LEN);
	for (size_t i = 0; i < m->nlog; i++)
		if (m->log[i].imr < 3)
			events_extend(rtmr + m->log[i].imr * EVENT_DIGEST_LEN, m->log[i].digest);
	m->keep_registers = true;
}

static void
event_gone(struct guest *m, struct judge *judge, int arg)
{
	log_keep(m);
	memmove(m->log + arg, m->log + arg + 1, (--m->nlog - (size_t)arg) * sizeof *m->log);
	log_replay(m);
}

static void
event_twice(struct guest *m, struct judge *judge, int arg)
{
	log_keep(m);
	memmove(m->log + arg + 1, m->log + arg, (m->nlog++ - (size_t)arg) * sizeof *m->log);
	log_replay(m);
}

static void
other_event(struct guest *m, struct judge *judge, int arg)
{
	log_digest(m, judge, arg);
	log_replay(m);
}

#define PAGES_TWO \
	"the host's QEMU adds pages in two-pass order, vm_config's qemu_version or " \
	"qemu_single_pass_add_pages stand for single-pass order"
#define REWRITTEN \
	"QEMU rewrote the header of the kernel, or it is not the one of this image"
#define CMDLINE         "the command line or the initrd is not the one of this image"
#define LOADER          "RTMR0: acpi-loader, event 0 of the log"
#define TABLES          "RTMR0: acpi-tables, event 2 of the log"

static const struct spoilt lite_rows[] = {
	{ "sound", NULL, 0, {0}, NULL, NULL },
	{ "a CPU less", cpus, 1, DECLARE("\"cpu_count\":1", "\"cpu_count\":2"), LOADER,
	    SHAPE "cpu_count is 1" },
	{ "twice the CPUs", cpus, 8, DECLARE("\"cpu_count\":8", "\"cpu_count\":4"), LOADER,
	    SHAPE "cpu_count is 8" },
	{ "hotplug on", hotplug, 0, DECLARE("\"hotplug_off\":false", "\"hotplug_off\":true"),
	    LOADER, SHAPE "hotplug_off is false" },
	{ "hotplug off", NULL, 0, DECLARE("\"hotplug_off\":true", "\"hotplug_off\":false"),
	    LOADER, SHAPE "hotplug_off is true" },
	{ "newer QEMU declared", NULL, 0, DECLARE("9.2.1", "10.0.2"), LOADER,
	    SHAPE "qemu_version is 9.2.1" },
	{ "older QEMU declared", release, 1, DECLARE("10.0.2", "9.2.1"), LOADER,
	    SHAPE "qemu_version is 10.0.0" },
	{ "QEMU 8 declared", NULL, 0, DECLARE("9.2.1", "8.2.2"), "MRTD", "the host's QEMU adds "
	    "pages in single-pass order, vm_config's qemu_version or qemu_single_pass_add_pages "
	    "stand for two-pass order" },
	{ "page order", two_pass, 0, DECLARE("\"qemu_single_pass_add_pages\":true",
	    "\"qemu_single_pass_add_pages\":false"), "MRTD", PAGES_TWO },
	{ "memory", memory, 1024, DECLARE("1073741824", "2147483648"), TABLES,
	    SHAPE "memory_size is 1073741824" },
	{ "memory with the same tables", memory, 4096, DECLARE("4294967296", "8589934592"),
	    "RTMR0", SHAPE "memory_size is 4294967296" },
	{ "memory split", split, 2304, {0}, TABLES, "the host's QEMU splits the memory at 2 GiB, "
	    "which is expected with 2816 MiB and more" },
	{ "hugepages", hugepages, 0, DECLARE("\"hugepages\":true", "\"hugepages\":false"), LOADER,
	    SHAPE "hugepages is true" },
	{ "pic on", pic, 1, DECLARE("\"pic\":true", "\"pic\":false"), TABLES,
	    SHAPE "pic is true" },
	{ "pic off", pic, 0, DECLARE("\"pic\":false", "\"pic\":true"), TABLES,
	    SHAPE "pic is false" },
	{ "a network card less", NULL, 0, DECLARE("\"num_nics\":1", "\"num_nics\":2"), LOADER,
	    SHAPE "num_nics is 1" },
	{ "a GPU with hotplug, none declared", gpu_hotplug, 0, DECLARE("\"num_gpus\":1",
	    "\"num_gpus\":0"), LOADER, SHAPE "num_gpus is 1" },
	{ "a GPU with hotplug, declared without", gpu_hotplug, 0,
	    DECLARE("\"hotplug_off\":false", "\"hotplug_off\":true"), LOADER,
	    SHAPE "hotplug_off is false" },
	{ "a GPU with hotplug", gpu_hotplug, 0, {0}, NULL, NULL },
	{ "a GPU with hotplug, tables of its own", gpu_hotplug, 1, {0}, TABLES, NO_NEIGHBOUR },
	{ "QEMU and hotplug", hotplug, 0, DECLARE("9.2.1\",\"pci_hole64_size\":0,"
	    "\"hugepages\":false,\"num_gpus\":0,\"num_nvswitches\":0,\"num_nics\":1,"
	    "\"num_verity_volumes\":0,\"hotplug_off\":false", "11.0.1\",\"pci_hole64_size\":0,"
	    "\"hugepages\":false,\"num_gpus\":0,\"num_nvswitches\":0,\"num_nics\":1,"
	    "\"num_verity_volumes\":0,\"hotplug_off\":true"), LOADER,
	    SHAPE "qemu_version is 9.2.1 and hotplug_off is false" },
	{ "many things", NULL, 0, DECLARE("\"cpu_count\":1,\"memory_size\":2147483648",
	    "\"cpu_count\":7,\"memory_size\":21474836480"), LOADER, NO_NEIGHBOUR },
	{ "too many CPUs to try", NULL, 0, DECLARE("\"cpu_count\":1", "\"cpu_count\":1300"),
	    LOADER, NO_NEIGHBOUR },
	{ "a shape that is none", NULL, 0, ADD("\"swtpm\":true"), NULL, NO_NEIGHBOUR },
	{ "tables of its own", own_tables, 0, {0}, TABLES, NO_NEIGHBOUR },
	{ "tables of its own, GPU on an expander", own_tables_gpu, 0, {0}, TABLES, NO_NEIGHBOUR
	    "; with PCI expanders, tables of real machines are known to differ from those "
	    "expected" },
	{ "tables of its own, nodes", own_tables_nodes, 0, {0}, TABLES, NO_NEIGHBOUR
	    "; with PCI expanders, tables of real machines are known to differ from those "
	    "expected" },
	{ "tables of its own, new QEMU", own_tables_new, 0, {0}, TABLES, NO_NEIGHBOUR
	    "; of a QEMU newer than 11.1 the tables of 11.1 are expected" },
	{ "log of its own", log_digest, 1, {0}, "RTMR0: acpi-rsdp, event 1 of the log",
	    "the event log reports other ACPI tables than were measured" },
	{ "firmware", NULL, 0, FLIP(STAGE_REPORT, TD_MRTD, "01"), "MRTD",
	    "the firmware is not the one of this image" },
	{ "kernel", NULL, 0, FLIP(STAGE_REPORT, TD_RTMR0 + 48, "01"), "RTMR1", REWRITTEN },
	{ "initrd", NULL, 0, FLIP(STAGE_REPORT, TD_RTMR0 + 96, "01"), "RTMR2", CMDLINE },
	{ "RTMR3", NULL, 0, FLIP(STAGE_REPORT, TD_RTMR3, "01"),
	    "RTMR3: the log replays to another value", NULL },
	{ "the document is another", NULL, 0, FLIP(STAGE_VM_CONFIG, 40, "01"), NULL, NULL },
};

/* The log tells which event it is. */
static const struct spoilt full_rows[] = {
	{ "sound", NULL, 0, {0}, NULL, NULL },
	{ "TD HOB", memory, 4096, DECLARE("4294967296", "8589934592"),
	    "RTMR0: td-hob, event 0 of the log", SHAPE "memory_size is 4294967296" },
	{ "ACPI", cpus, 1, DECLARE("\"cpu_count\":1", "\"cpu_count\":2"),
	    "RTMR0: acpi-loader, event 8 of the log", SHAPE "cpu_count is 1" },
	{ "secure boot", other_event, 2, {0}, "RTMR0: SecureBoot, event 2 of the log",
	    NO_NEIGHBOUR },
	{ "kernel", other_event, 13, {0}, "RTMR1: kernel, event 13 of the log", REWRITTEN },
	{ "command line", other_event, 18, {0}, "RTMR2: cmdline, event 18 of the log", CMDLINE },
	{ "initrd", other_event, 19, {0}, "RTMR2: initrd, event 19 of the log", CMDLINE },
	{ "no initrd", event_gone, 19, {0}, "RTMR2: initrd, which is not in the log", CMDLINE },
	{ "no separator", event_gone, 15, {0}, "RTMR1: separator, event 15 of the log",
	    REWRITTEN },
	{ "initrd twice", event_twice, 19, {0}, "RTMR2: event 20 of the log, which is not "
	    "expected", CMDLINE },
	{ "register of its own", log_digest, 3, {0}, "RTMR0: the log replays to another value",
	    NULL },
};

/* A document of an image whose kernel QEMU rewrites, until it does not. */
static const struct spoilt document_rows[] = {
	{ "sound", NULL, 0, {0}, NULL, NULL },
	{ "kernel", NULL, 0, FLIP(STAGE_REPORT, TD_RTMR0 + 48, "01"), "RTMR1",
	    "the kernel is not the one of this image, or QEMU rewrote its header in another way "
	    "than the document assumes" },
	{ "kernel of QEMU 10.2", release, 3, FLIP(STAGE_REPORT, TD_RTMR0 + 48, "01"), "RTMR1",
	    "QEMU hands the kernel on as it is from 10.2 on, and the document has the digest of "
	    "one with a rewritten header" },
};

static void
test_lite(void **state)
{
	rows_run(lite_rows, NELEM(lite_rows), lite_base);
	rows_run(full_rows, NELEM(full_rows), full_base);
	rows_run(document_rows, NELEM(document_rows), document_base);
}

/* ---- published images ---- */

static void
published_base(struct guest *m, struct judge *judge, const char *variant)
{
	arena_reset(arena);
	image_case_variant(&image, arena, variant);
	published_run(m, &image, arena);
	m->legacy = true;
	m->full_log = true;
	judge->image = &image;
}

static void
plain_base(struct guest *m, struct judge *judge)
{
	published_base(m, judge, "plain");
}

static void
normalized_base(struct guest *m, struct judge *judge)
{
	published_base(m, judge, "normalized");
}

static void
stripped(struct guest *m, struct judge *judge, int arg)
{
	m->full_log = false;
}

/* Older guests give their ACPI events no names. */
static void
unnamed(struct guest *m, struct judge *judge, int arg)
{
	m->full_log = false;
	log_keep(m);
	for (unsigned i = 0; i < 3; i++)
		m->log[i].name = EMPTY;
	if (arg >= 0)
		m->log[arg].digest = build_random(2, "digest", 0, 48);
}

/* Four, and one with a name that none has. */
static void
strange(struct guest *m, struct judge *judge, int arg)
{
	m->full_log = false;
	log_keep(m);
	if (arg == 0) {
		memmove(m->log + 1, m->log, m->nlog++ * sizeof *m->log);
		return;
	}
	m->log[1].name = bytes_str("acpi-more");
}

static void
unpatched(struct guest *m, struct judge *judge, int arg)
{
	published_unpatched(m, &image, arena);
	if (arg != 0)
		release(m, judge, arg);
}

static void
kernel_of_its_own(struct guest *m, struct judge *judge, int arg)
{
	m->image.kernel_authenticode = build_random(3, "kernel", 0, 48);
	if (arg != 0)
		release(m, judge, arg);
}

static const struct spoilt plain_rows[] = {
	{ "sound", NULL, 0, {0}, NULL, NULL },
	{ "sound, short log", stripped, 0, {0}, NULL, NULL },
	{ "sound, short log without names", unnamed, -1, {0}, NULL, NULL },
	{ "short log without names, one other", unnamed, 2, {0}, TABLES, NULL },
	{ "short log with four", strange, 0, {0},
	    "RTMR0: event 1 of the log, which is not expected", NULL },
	{ "short log with another name", strange, 1, {0},
	    "RTMR0: event 1 of the log, which is not expected", NULL },
	{ "a CPU less", cpus, 1, DECLARE("\"cpu_count\":1", "\"cpu_count\":2"),
	    "RTMR0: acpi-loader, event 8 of the log", SHAPE "cpu_count is 1" },
	{ "hotplug off", NULL, 0, DECLARE("\"hotplug_off\":true", "\"hotplug_off\":false"),
	    "RTMR0: acpi-loader, event 8 of the log", SHAPE "hotplug_off is true" },
	{ "newer QEMU declared", NULL, 0, DECLARE("9.2.1", "10.0.2"),
	    "RTMR0: acpi-loader, event 8 of the log", SHAPE "qemu_version is 9.2.1" },
	{ "page order", two_pass, 0, DECLARE("\"qemu_single_pass_add_pages\":true",
	    "\"qemu_single_pass_add_pages\":false"), "MRTD", PAGES_TWO },
	{ "memory split", split, 2304, {0}, "RTMR0: td-hob, event 0 of the log",
	    "the host's QEMU splits the memory at 2 GiB, which is expected with 2816 MiB and "
	    "more" },
	{ "kernel as it is", unpatched, 0, {0}, "RTMR1: kernel, event 13 of the log",
	    "QEMU handed the kernel on as it is, which it does from 10.2 on, and vm_config's "
	    "qemu_version is older" },
	{ "kernel as it is, QEMU 10.2", unpatched, 3, {0}, NULL, NULL },
	{ "kernel", kernel_of_its_own, 0, {0}, "RTMR1: kernel, event 13 of the log",
	    "the kernel is not the one of this image, or another size of initrd moved it" },
	{ "kernel, QEMU 10.2", kernel_of_its_own, 3, {0}, "RTMR1: kernel, event 13 of the log",
	    "the kernel is not the one of this image, or another size of initrd moved it" },
	{ "initrd of more memory", memory, 1024, {0}, "RTMR1: kernel, event 13 of the log",
	    "the initrd lies where it does in a machine with more memory than vm_config's "
	    "memory_size" },
	{ "firmware", NULL, 0, FLIP(STAGE_REPORT, TD_MRTD, "01"), "MRTD",
	    "the firmware is not the one of this image" },
	{ "initrd", other_event, 19, {0}, "RTMR2: initrd, event 19 of the log", CMDLINE },
};

static const struct spoilt normalized_rows[] = {
	{ "sound", NULL, 0, {0}, NULL, NULL },
	{ "kernel", kernel_of_its_own, 0, {0}, "RTMR1: kernel, event 13 of the log", REWRITTEN },
};

static void
test_legacy(void **state)
{
	rows_run(plain_rows, NELEM(plain_rows), plain_base);
	rows_run(normalized_rows, NELEM(normalized_rows), normalized_base);
}

/* ---- all of it ---- */

static void
add_digits(CBB *out, const char *key, const uint8_t *digest)
{
	build_add(out, build_text("\"%s\":\"%s\"", key,
	    build_str(build_digits((struct bytes){ digest, EVENT_DIGEST_LEN }, false))));
}

static void
add_register(CBB *out, const char *name, const uint8_t *value)
{
	build_add(out, build_text("{\"name\":\"%s\",", name));
	add_digits(out, "expected", value);
	build_add_text(out, ",");
	add_digits(out, "actual", value);
	build_add_text(out, ",\"events\":[");
}

static void
add_events(CBB *out, const struct guest *m, uint32_t imr)
{
	const struct event *e;
	bool comma = false;

	for (size_t i = 0; i < m->nlog; i++) {
		e = &m->log[i];
		if (e->imr != imr)
			continue;
		build_add(out, build_text("%s{\"index\":%zu,\"event_type\":%u,\"name\":\"%s\",",
		    comma ? "," : "", i, e->type, e->name.len == 0 ? "(unnamed)" :
		    build_str(e->name)));
		add_digits(out, "actual", e->digest.ptr);
		build_add_text(out, ",");
		add_digits(out, "expected", e->digest.ptr);
		build_add(out, build_text(",\"payload_len\":%zu,\"status\":\"match\"}",
		    e->payload.len));
		comma = true;
	}
}

/* What a sound machine with a full log is told, from the simulator's own events. */
static struct bytes
sound_member(const struct guest *m)
{
	const uint8_t *body = m->intel.quote.body;
	CBB out;

	MUST(CBB_init(&out, 16384));
	build_add_text(&out, ",\"explain\":{\"registers\":[");
	add_register(&out, "MRTD", body + TD_MRTD);
	for (uint32_t imr = 0; imr < 4; imr++) {
		build_add_text(&out, "]},");
		add_register(&out, build_str(build_text("RTMR%u", imr)),
		    body + TD_RTMR0 + imr * (size_t)EVENT_DIGEST_LEN);
		add_events(&out, m, imr);
	}
	build_add_text(&out, "]}],\"first_divergence\":null,\"likely_cause\":null}");
	return build_finish(&out);
}

static void
sound_check(void (*base)(struct guest *m, struct judge *judge), enum guest_form form)
{
	const void *mark = build_mark();
	struct judge judge;
	struct guest m;
	struct bytes got;

	judge_init(&judge);
	guest_init(&m, 0);
	base(&m, &judge);
	m.form = form;
	got = explanation_of("sound", &judge, &m);
	if (!bytes_equal(got, sound_member(&m)))
		fail_msg("form %d: got\n%.*s\nwanted\n%s", form, (int)got.len,
		    (const char *)got.ptr, build_str(sound_member(&m)));
	build_release(mark);
}

static void
test_events(void **state)
{
	static const enum guest_form forms[] = { GUEST_V0, GUEST_V1, GUEST_GETQUOTE };

	for (size_t i = 0; i < NELEM(forms); i++) {
		sound_check(full_base, forms[i]);
		sound_check(plain_base, forms[i]);
	}
}

static bool
member_has(struct bytes member, const char *text)
{
	return strstr(build_str(build_keep(member.ptr, member.len)), text) != NULL;
}

/* Registers appear when what is expected of them is known. */
static void
registers_check(const char *name, void (*base)(struct guest *m, struct judge *judge),
    void (*prepare)(struct guest *m, struct judge *judge, int arg), int arg, struct change change,
    const char *wanted)
{
	static const char *const names[] = { "MRTD", "RTMR0", "RTMR1", "RTMR2", "RTMR3" };
	const void *mark = build_mark();
	struct judge judge;
	struct guest m;
	struct bytes got;
	char text[64] = "";

	judge_init(&judge);
	guest_init(&m, 0);
	base(&m, &judge);
	m.change = change;
	if (prepare != NULL)
		prepare(&m, &judge, arg);
	got = explanation_of(name, &judge, &m);
	for (size_t i = 0; i < NELEM(names); i++)
		if (member_has(got, build_str(build_text("{\"name\":\"%s\",\"expected\":\"",
		    names[i]))))
			(void)strcat(strcat(text, " "), names[i]);
	if (strcmp(text, wanted) != 0)
		fail_msg("%s: got%s, wanted%s", name, text, wanted);
	build_release(mark);
}

static void
test_registers(void **state)
{
	const struct change none = {0};

	registers_check("valid", lite_base, NULL, 0, none, " MRTD RTMR0 RTMR1 RTMR2 RTMR3");
	registers_check("tables differ", lite_base, hotplug, 0, (struct change)DECLARE(
	    "\"hotplug_off\":false", "\"hotplug_off\":true"), " MRTD RTMR0 RTMR1 RTMR2 RTMR3");
	registers_check("no tables", lite_base, NULL, 0, (struct change)ADD("\"swtpm\":true"),
	    " RTMR3");
	registers_check("genuine tables only", lite_base, gpu_hotplug, 1, none,
	    " MRTD RTMR0 RTMR1 RTMR2 RTMR3");
	registers_check("another document", lite_base, NULL, 0,
	    (struct change)FLIP(STAGE_VM_CONFIG, 40, "01"), " RTMR3");
	registers_check("no vm_config", lite_base, NULL, 0,
	    (struct change)SET(STAGE_VM_CONFIG, "[]"), " RTMR3");
	registers_check("RTMR3 differs", lite_base, NULL, 0,
	    (struct change)FLIP(STAGE_REPORT, TD_RTMR3, "01"), " RTMR3");
	registers_check("bad signature", lite_base, NULL, 0,
	    (struct change)FLIP(STAGE_QUOTE, 700, "01"), "");
	registers_check("no evidence", lite_base, NULL, 0,
	    (struct change)FLIP(STAGE_ATTESTATION, 0, "ff"), "");
	registers_check("published", plain_base, NULL, 0, none,
	    " MRTD RTMR0 RTMR1 RTMR2 RTMR3");
	registers_check("kernel not needed", plain_base, memory, 1024, (struct change)DECLARE(
	    "\"cpu_count\":1", "\"cpu_count\":2"), " MRTD RTMR0 RTMR2 RTMR3");
}

/* An operator need not allow it. */
static void
test_forbidden(void **state)
{
	struct judge judge;
	struct guest m;

	judge_init(&judge);
	judge.policy.allow_explain = false;
	guest_init(&m, 0);
	assert_int_equal(explanation_of("forbidden", &judge, &m).len, 0);
}

/* Not asked for is not asked for. */
static void
test_false(void **state)
{
	struct judge judge;
	struct guest m;

	judge_init(&judge);
	guest_init(&m, 0);
	m.request = ",\"explain\":false";
	guest_build(&m);
	assert_null(judge_guest(&judge, &m));
	assert_false(judge_says("explain"));
}

/* What one answer may show, at its largest. */
static void
test_size(void **state)
{
	char name[EVENT_NAME_MAX + 1];
	struct judge judge;
	struct guest m;
	struct bytes got;
	size_t n = 0;

	judge_init(&judge);
	guest_init(&m, 0);
	m.form = GUEST_V1;
	m.full_log = true;
	memset(name, 1, EVENT_NAME_MAX);
	name[EVENT_NAME_MAX] = '\0';
	while (m.nruntime < GUEST_EVENTS)
		guest_insert(&m, m.nruntime, 1, name, EMPTY);
	got = explanation_of("size", &judge, &m);
	for (const char *at = (const char *)got.ptr; (at = strstr(at, "{\"index\":")) != NULL; at++)
		n++;
	assert_int_equal(n, 128);
	assert_true(got.len > ANSWER_MAX_LEN / 2 && got.len <= ANSWER_MAX_LEN);
}

/* What a log calls a digest is shown as far as one can be one. */
static void
test_long_digest(void **state)
{
	struct judge judge;
	struct guest m;
	struct bytes got;

	judge_init(&judge);
	guest_init(&m, 0);
	plain_base(&m, &judge);
	m.full_log = false;
	log_keep(&m);
	m.log[0].digest = build_random(2, "digest", 0, 1000);
	got = explanation_of("long digest", &judge, &m);
	assert_true(member_has(got, build_str(build_text("\"actual\":\"%s\",\"expected\":\"",
	    build_str(build_digits((struct bytes){ m.log[0].digest.ptr, 64 }, false))))));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lite),
		cmocka_unit_test(test_legacy),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_false),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_long_digest),
	};

	return cmocka_run_group_tests_name("explain", tests, setup, teardown);
}
