#include "image_case.h"

#include <assert.h>
#include <stdio.h>

#include "core/hex.h"

static void *
room(struct arena *arena, size_t len)
{
	struct reason why;
	void *ptr = arena_alloc(arena, len, &why);

	assert(ptr != NULL);
	return ptr;
}

void
image_case_u16(uint8_t *file, size_t at, uint32_t value)
{
	file[at] = (uint8_t)value;
	file[at + 1] = (uint8_t)(value >> 8);
}

void
image_case_u32(uint8_t *file, size_t at, uint32_t value)
{
	image_case_u16(file, at, value);
	image_case_u16(file, at + 2, value >> 16);
}

void
image_case_u64(uint8_t *file, size_t at, uint64_t value)
{
	image_case_u32(file, at, (uint32_t)value);
	image_case_u32(file, at + 4, (uint32_t)(value >> 32));
}

/* SHA-256(seed || counter), one after the other. */
static uint8_t *
noise(struct arena *arena, const char *seed, size_t len)
{
	uint8_t *out = room(arena, len), counter[4];
	struct digest256 block;
	size_t at, n;

	for (at = 0; at < len; at += n) {
		image_case_u32(counter, 0, (uint32_t)(at / sizeof block.data));
		digest256_of_parts(&block, (const struct bytes[]){ bytes_str(seed),
		    BYTES_OF(counter) }, 2);
		n = len - at < sizeof block.data ? len - at : sizeof block.data;
		memcpy(out + at, block.data, n);
	}
	return out;
}

static void
put(uint8_t *file, size_t at, const char *text)
{
	memcpy(file + at, text, strlen(text));
}

static void
section_put(uint8_t *fw, size_t i, uint32_t offset, uint64_t address, uint32_t len,
    uint32_t type, uint32_t attributes)
{
	const size_t at = IMAGE_CASE_SECTION(i);

	image_case_u32(fw, at, offset);
	image_case_u32(fw, at + 4, type < 2 ? len : 0);
	image_case_u64(fw, at + 8, address);
	image_case_u64(fw, at + 16, len);
	image_case_u32(fw, at + 24, type);
	image_case_u32(fw, at + 28, attributes);
}

static uint8_t *
firmware_make(struct arena *arena)
{
	static const uint8_t
	    tdx[] = "\x35\x65\x7a\xe4\x4a\x98\x98\x47\x86\x5e\x46\x85\xa7\xbf\x8e\xc2",
	    other[] = "\xde\x71\xf7\x00\x7e\x1a\xcb\x4f\x89\x0e\x68\xc7\x7e\x2f\xb4\x4e",
	    footer[] = "\xde\x82\xb5\x96\xb2\x1f\xf7\x45\xba\xea\xa3\x66\xc5\x5a\x08\x2d";
	uint8_t *fw = noise(arena, "fw", IMAGE_CASE_FIRMWARE_LEN);
	const size_t end = IMAGE_CASE_TABLE_END;

	put(fw, IMAGE_CASE_DESCRIPTOR, "TDVF");
	image_case_u32(fw, IMAGE_CASE_DESCRIPTOR + 4, 16 + 32 * 7);
	image_case_u32(fw, IMAGE_CASE_DESCRIPTOR + 8, 1);
	image_case_u32(fw, IMAGE_CASE_DESCRIPTOR + 12, 7);
	section_put(fw, 0, 0x4000, 0xfffe4000, 0x1c000, 0, 1);
	section_put(fw, 1, 0, 0xfffe0000, 0x4000, 1, 0);
	section_put(fw, 2, 0, 0x810000, 0x10000, 3, 0);
	section_put(fw, 3, 0, 0x80b000, 0x2000, 3, 0);
	section_put(fw, 4, 0, 0x809000, 0x2000, 2, 0);
	section_put(fw, 5, 0, 0x800000, 0x6000, 3, 0);
	section_put(fw, 6, 0, 0x900000, 0x1000, 4, 2);
	image_case_u32(fw, end - 62, 0x840);            /* two entries of 22, a foot of 18 */
	image_case_u16(fw, end - 58, 22);
	memcpy(fw + end - 56, tdx, 16);
	image_case_u32(fw, end - 40, 0x80b004);
	image_case_u16(fw, end - 36, 22);
	memcpy(fw + end - 34, other, 16);
	image_case_u16(fw, end - 18, 62);
	memcpy(fw + end - 16, footer, 16);
	return fw;
}

static void
kernel_section_put(uint8_t *k, size_t i, const char *name, uint32_t address, uint32_t offset,
    uint32_t len)
{
	const size_t at = IMAGE_CASE_KERNEL_SECTION(i);

	put(k, at, name);
	image_case_u32(k, at + 8, len);
	image_case_u32(k, at + 12, address);
	image_case_u32(k, at + 16, len);
	image_case_u32(k, at + 20, offset);
}

static uint8_t *
kernel_make(struct arena *arena)
{
	uint8_t *k = noise(arena, "kernel", IMAGE_CASE_KERNEL_LEN);

	memset(k, 0, 0x400);
	put(k, 0, "MZ");
	image_case_u32(k, 0x3c, IMAGE_CASE_PE);
	put(k, IMAGE_CASE_PE, "PE");
	image_case_u16(k, IMAGE_CASE_PE + 4, 0x8664);
	image_case_u16(k, IMAGE_CASE_PE + 6, 2);
	image_case_u16(k, IMAGE_CASE_PE + 20, 160);
	image_case_u16(k, IMAGE_CASE_PE + 22, 0x206);
	image_case_u16(k, IMAGE_CASE_OPTIONAL, 0x20b);
	image_case_u32(k, IMAGE_CASE_OPTIONAL + 60, 0x400);
	image_case_u32(k, IMAGE_CASE_OPTIONAL + 64, 0x12345678);
	image_case_u32(k, IMAGE_CASE_OPTIONAL + 108, 6);
	/* Against the order of the file, so that they have to be sorted. */
	kernel_section_put(k, 0, ".data", 0x3000, 0x2400, 0x1000);
	kernel_section_put(k, 1, ".text", 0x1000, 0x400, 0x2000);
	image_case_u16(k, 0x1fe, 0xaa55);
	put(k, 0x202, "HdrS");
	image_case_u16(k, 0x206, 0x20f);
	k[0x211] = 1;
	image_case_u32(k, 0x22c, 0x7fffffff);
	image_case_u16(k, 0x236, 0x7f);
	return k;
}

const char *
image_case_metadata(struct arena *arena, const char *extra)
{
	struct digest256 rootfs;
	char hex[65], *text = room(arena, 2048);

	digest256_of(&rootfs, bytes_str("rootfs"));
	hex_text(hex, BYTES_OF(rootfs.data));
	snprintf(text, 2048,
	    "{\n"
	    "    %s\"bios\": \"ovmf.fd\",\n"
	    "    \"kernel\": \"bzImage\",\n"
	    "    \"cmdline\": \"console=ttyS0 init=/init panic=1 dstack.rootfs_hash=%s "
	    "dstack.rootfs_size=4096\",\n"
	    "    \"initrd\": \"initramfs.cpio.gz\",\n"
	    "    \"rootfs\": \"rootfs.img.parted.verity\",\n"
	    "    \"version\": \"0.6.0\",\n"
	    "    \"git_revision\": \"0000000000000000000000000000000000000000\",\n"
	    "    \"shared_ro\": true,\n"
	    "    \"is_dev\": false,\n"
	    "    \"ovmf_variant\": \"pre202505\"\n"
	    "}\n", extra, hex);
	return text;
}

static size_t
line_put(char *out, size_t room_len, const struct digest256 *digest, const char *name)
{
	char hex[65];

	hex_text(hex, BYTES_OF(digest->data));
	return (size_t)snprintf(out, room_len, "%s  %s\n", hex, name);
}

struct bytes
image_case_initrd(const struct image_case *image, struct arena *arena)
{
	return (struct bytes){ noise(arena, "initrd", IMAGE_CASE_INITRD_LEN), image->initrd_len };
}

void
image_case_seal(struct image_case *image, struct arena *arena)
{
	const struct bytes initrd = image_case_initrd(image, arena);
	struct image_files *f = &image->files;
	const size_t max = 1024;
	char *manifest = room(arena, max);
	struct digest256 digest;
	size_t len = 0;

	f->firmware = (struct bytes){ image->firmware, image->firmware_len };
	f->kernel = (struct bytes){ image->kernel, image->kernel_len };
	f->metadata = bytes_str(image->metadata);
	f->initrd_size = initrd.len;
	digest256_of(&f->initrd_sha256, initrd);
	digest384_of(&f->initrd_sha384, initrd);
	digest256_of(&digest, f->firmware);
	len += line_put(manifest + len, max - len, &digest, "ovmf.fd");
	digest256_of(&digest, f->kernel);
	len += line_put(manifest + len, max - len, &digest, "bzImage");
	len += line_put(manifest + len, max - len, &f->initrd_sha256, "initramfs.cpio.gz");
	digest256_of(&digest, f->metadata);
	len += line_put(manifest + len, max - len, &digest, "metadata.json");
	f->manifest = (struct bytes){ (const uint8_t *)manifest, len };
	digest256_of(&image->hash, f->manifest);
}

void
image_case_init(struct image_case *image, struct arena *arena)
{
	*image = (struct image_case){
		.firmware = firmware_make(arena), .firmware_len = IMAGE_CASE_FIRMWARE_LEN,
		.kernel = kernel_make(arena), .kernel_len = IMAGE_CASE_KERNEL_LEN,
		.metadata = image_case_metadata(arena, ""),
		.initrd_len = IMAGE_CASE_INITRD_LEN,
	};
	image_case_seal(image, arena);
}

/* How other images differ from the sample image. */
static const struct {
	const char *name;
	const char *metadata;
	uint16_t protocol;      /* 0: the sample's              */
	uint16_t xloadflags;
	bool    low, no_initrd;
} variants[] = {
	{ .name = "plain" },
	{ .name = "normalized", .metadata = "\"kernel_header_normalized\": true, " },
	{ .name = "old bit", .xloadflags = 0x41 },
	{ .name = "right bit", .xloadflags = 0x3f },
	{ .name = "protocol 2.03", .protocol = 0x203 },
	{ .name = "protocol 2.01", .protocol = 0x201, .low = true },
	{ .name = "protocol 1.00", .protocol = 0x100, .no_initrd = true },
	{ .name = "low load", .low = true },
	{ .name = "no initrd", .no_initrd = true },
};

void
image_case_variant(struct image_case *image, struct arena *arena, const char *name)
{
	size_t i = 0;

	while (strcmp(variants[i].name, name) != 0)
		assert(++i < NELEM(variants));
	image_case_init(image, arena);
	if (variants[i].metadata != NULL)
		image->metadata = image_case_metadata(arena, variants[i].metadata);
	if (variants[i].protocol != 0)
		image_case_u16(image->kernel, 0x206, variants[i].protocol);
	if (variants[i].xloadflags != 0)
		image_case_u16(image->kernel, 0x236, variants[i].xloadflags);
	if (variants[i].low)
		image->kernel[0x211] = 0;
	if (variants[i].no_initrd)
		image->initrd_len = 0;
	image_case_seal(image, arena);
}
