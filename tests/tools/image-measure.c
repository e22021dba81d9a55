/*
 * image-measure - what the measuring library says of images, one command a line
 *
 *      image DIR                       measures it; its record serves the checks that follow
 *      check JSON TAB 4 x HEX          VM configuration, quoted MRTD, RTMR0, RTMR1, RTMR2
 *      firmware FILE                   both MRTDs and the witness of the TD HOB
 *      kernel FILE SIZE MEMORY         initrd address, digest patched and as shipped
 *
 * Each gets one line: "refused: REASON" or what there is to say, for a check "matched" or
 * "mismatch", the three names of details.measurement_match, 20 event digests, and the reason.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/hex.h"
#include "measure/image_fact.h"
#include "measure/legacy.h"
#include "measure/tdvf.h"

#define LINE_LEN                (1u << 20)
#define ARENA_LEN               ((size_t)4 << 20)

struct tool {
	struct arena *arena;
	struct acpi_cache *cache;
	struct digest256 hash;
	struct image_files files;       /* of the last image; its memory is never freed */
	struct image_record record;
};

static FILE *
file_open(const char *dir, const char *name)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof path, "%s%s%s", dir, dir[0] != '\0' ? "/" : "", name);
	f = fopen(path, "rb");
	if (f == NULL) {
		fprintf(stderr, "image-measure: cannot open %s\n", path);
		exit(1);
	}
	return f;
}

static struct bytes
file_read(const char *dir, const char *name)
{
	FILE *f = file_open(dir, name);
	uint8_t *data = NULL;
	long len;

	setbuf(f, NULL);
	if (fseek(f, 0, SEEK_END) != 0 || (len = ftell(f)) < 0 || fseek(f, 0, SEEK_SET) != 0 ||
	    (data = malloc((size_t)len + 1)) == NULL ||
	    fread(data, 1, (size_t)len, f) != (size_t)len) {
		fprintf(stderr, "image-measure: cannot read %s\n", name);
		exit(1);
	}
	fclose(f);
	return (struct bytes){ data, (size_t)len };
}

/* Hashes a file as it streams. */
static void
initrd_hash(struct image_files *files, const char *dir, const char *name)
{
	static uint8_t buffer[64 << 10];
	SHA256_CTX sha256;
	SHA512_CTX sha384;
	size_t n;
	FILE *f;

	f = file_open(dir, name);
	setbuf(f, NULL);
	SHA256_Init(&sha256);
	SHA384_Init(&sha384);
	files->initrd_size = 0;
	while ((n = fread(buffer, 1, sizeof buffer, f)) != 0) {
		SHA256_Update(&sha256, buffer, n);
		SHA384_Update(&sha384, buffer, n);
		files->initrd_size += n;
	}
	fclose(f);
	SHA256_Final(files->initrd_sha256.data, &sha256);
	SHA384_Final(files->initrd_sha384.data, &sha384);
}

static void
file_free(struct bytes file)
{
	free((void *)(uintptr_t)file.ptr);
}

static void
digest_print(char before, const struct digest384 *digest)
{
	char hex[97];

	hex_text(hex, BYTES_OF(digest->data));
	printf("%c%s", before, hex);
}

static void
refused(const struct reason *why)
{
	printf("refused: %s\n", why->text);
}

/* Writes the record and reads it back, so that both are part of every comparison. */
static bool
record_pass(struct tool *tool, size_t *len, struct reason *why)
{
	uint8_t buffer[IMAGE_RECORD_MAX_LEN];
	CBB out;
	CBS in;

	if (!CBB_init_fixed(&out, buffer, sizeof buffer) ||
	    !image_record_write(&out, &tool->record) || !CBB_finish(&out, NULL, len))
		return reject(why, REASON_INTERNAL, "record cannot be written");
	CBS_init(&in, buffer, *len);
	return image_record_read(&tool->record, &in, why);
}

static void
image_run(struct tool *tool, const char *dir)
{
	struct image_files *f = &tool->files;
	struct metadata metadata = { 0 };
	struct reason why;
	size_t len;

	arena_reset(tool->arena);
	f->manifest = file_read(dir, "sha256sum.txt");
	f->metadata = file_read(dir, "metadata.json");
	digest256_of(&tool->hash, f->manifest);
	if (!metadata_read(&metadata, tool->arena, f->metadata, &why)) {
		refused(&why);
		return;
	}
	f->firmware = file_read(dir, metadata.bios);
	f->kernel = file_read(dir, metadata.kernel);
	initrd_hash(f, dir, metadata.initrd);
	if (!image_record_compute(&tool->record, tool->arena, &tool->hash, f, &why) ||
	    !record_pass(tool, &len, &why)) {
		refused(&why);
		return;
	}
	printf("measured: record of %zu bytes, variables %s\n", len,
	    tool->record.variables_known ? "known" : "unknown");
}

static bool
registers_read(struct launch_registers *out, const char *text, struct reason *why)
{
	struct digest384 *const regs[] = { &out->mrtd, &out->rtmr[0], &out->rtmr[1],
	    &out->rtmr[2] };
	size_t i;

	for (i = 0; i < NELEM(regs); i++, text += 97)
		if (strlen(text) < 96 ||
		    !hex_decode(regs[i]->data, (struct bytes){ (const uint8_t *)text, 96 }, why))
			return false;
	return true;
}

static const char *
kernel_name(enum legacy_kernel kernel)
{
	static const char *const names[] = { "none", "patched", "unpatched", "normalized" };

	return names[kernel];
}

static void
result_print(const struct legacy_result *r, bool matched, const struct reason *why)
{
	size_t i;

	printf("%s %s %s %s", matched ? "matched" : "mismatch",
	    r->two_pass ? "two_pass" : "single_pass", kernel_name(r->kernel),
	    r->acpi_profile == ACPI_GENUINE ? "genuine" : "newest");
	for (i = 0; i < RTMR0_EVENTS; i++)
		digest_print(' ', &r->events.rtmr0[i]);
	for (i = 0; i < RTMR1_EVENTS; i++)
		digest_print(' ', &r->events.rtmr1[i]);
	for (i = 0; i < RTMR2_EVENTS; i++)
		digest_print(' ', &r->events.rtmr2[i]);
	printf(" %s\n", matched ? "" : why->text);
}

static void
check_run(struct tool *tool, char *line)
{
	char *text = strchr(line, '\t');
	struct legacy_result result;
	struct launch_registers quoted;
	struct vm_config config;
	struct kernel_fact fact;
	struct reason why = { 0 };
	struct legacy_input input = { .record = &tool->record, .config = &config,
	    .quoted = &quoted, .cache = tool->cache };
	enum legacy_outcome outcome;

	if (text == NULL)
		exit(1);
	*text++ = '\0';
	arena_reset(tool->arena);
	if (!registers_read(&quoted, text, &why) ||
	    !vm_config_read(&config, tool->arena, bytes_str(line), &why)) {
		refused(&why);
		return;
	}
	outcome = legacy_check(&result, &input, &why);
	if (outcome == LEGACY_NEEDS_KERNEL) {
		if (!kernel_fact_compute(&fact, tool->arena, &tool->hash, &tool->files,
		    result.initrd_addr, &why)) {
			refused(&why);
			return;
		}
		input.kernel = &fact;
		outcome = legacy_check(&result, &input, &why);
	}
	if (outcome == LEGACY_REFUSED && !result.computed)
		refused(&why);
	else
		result_print(&result, outcome == LEGACY_MATCHED, &why);
}

static void
firmware_run(const char *path)
{
	struct bytes firmware = file_read("", path);
	struct digest384 mrtd;
	struct reason why;
	struct td_hob hob;
	struct tdvf tdvf;
	size_t i;

	if (!tdvf_read(&tdvf, firmware, &why))
		refused(&why);
	else {
		printf("measured:");
		tdvf_mrtd(&mrtd, &tdvf, false);
		digest_print(' ', &mrtd);
		tdvf_mrtd(&mrtd, &tdvf, true);
		digest_print(' ', &mrtd);
		tdvf_td_hob(&hob, &tdvf);
		printf(" %#" PRIx64, hob.address);
		for (i = 0; i < hob.n_ranges; i++)
			printf(" %#" PRIx64 "-%#" PRIx64, hob.ranges[i].start, hob.ranges[i].end);
		putchar('\n');
	}
	file_free(firmware);
}

static void
kernel_run(char *path)
{
	const char *size = strchr(path, ' '), *memory = size == NULL ? NULL : strchr(size + 1, ' ');
	struct digest384 patched, unpatched;
	struct kernel_header header;
	struct bytes kernel;
	struct reason why;
	uint32_t addr;

	if (memory == NULL)
		exit(1);
	path[size - path] = '\0';
	kernel = file_read("", path);
	if (!kernel_header_read(&header, kernel, &why) ||
	    !kernel_initrd_addr(&addr, &header, strtoull(size + 1, NULL, 0),
		strtoull(memory + 1, NULL, 0), &why) ||
	    !kernel_patched_digest(&patched, kernel, addr,
		(uint32_t)strtoull(size + 1, NULL, 0), &why) ||
	    !kernel_unpatched_digest(&unpatched, kernel, &why))
		refused(&why);
	else {
		printf("measured: %#" PRIx32, addr);
		digest_print(' ', &patched);
		digest_print(' ', &unpatched);
		putchar('\n');
	}
	file_free(kernel);
}

static void
line_run(struct tool *tool, char *line)
{
	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, "image ", 6) == 0)
		image_run(tool, line + 6);
	else if (strncmp(line, "check ", 6) == 0)
		check_run(tool, line + 6);
	else if (strncmp(line, "firmware ", 9) == 0)
		firmware_run(line + 9);
	else if (strncmp(line, "kernel ", 7) == 0)
		kernel_run(line + 7);
	else
		exit(1);
	fflush(stdout);
}

int
main(void)
{
	static char line[LINE_LEN];
	struct tool tool = { .arena = arena_new(ARENA_LEN),
	    .cache = acpi_cache_new(ACPI_CACHE_ENTRIES) };

	if (tool.arena == NULL || tool.cache == NULL)
		return 1;
	while (fgets(line, sizeof line, stdin) != NULL)
		line_run(&tool, line);
	return 0;
}
