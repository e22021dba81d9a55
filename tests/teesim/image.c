#include "image.h"

bool
cbor_head_write(CBB *out, unsigned major, uint64_t n)
{
	if (n < 24)
		return CBB_add_u8(out, (uint8_t)(major << 5 | n));
	if (n <= UINT8_MAX)
		return CBB_add_u8(out, (uint8_t)(major << 5 | 24)) && CBB_add_u8(out, (uint8_t)n);
	if (n <= UINT16_MAX)
		return CBB_add_u8(out, (uint8_t)(major << 5 | 25)) &&
		    CBB_add_u16(out, (uint16_t)n);
	return CBB_add_u8(out, (uint8_t)(major << 5 | 26)) && CBB_add_u32(out, (uint32_t)n);
}

bool
cbor_bytes_write(CBB *out, struct bytes bytes)
{
	return cbor_head_write(out, 2, bytes.len) && CBB_add_bytes(out, bytes.ptr, bytes.len);
}

static bool
text_write(CBB *out, struct bytes text)
{
	return cbor_head_write(out, 3, text.len) && CBB_add_bytes(out, text.ptr, text.len);
}

bool
cbor_text_write(CBB *out, const char *text)
{
	return text_write(out, bytes_str(text));
}

static bool
member_write(CBB *out, const char *name, struct bytes value)
{
	return cbor_text_write(out, name) && cbor_bytes_write(out, value);
}

static bool
image_write(CBB *out, const struct tdx_document *doc)
{
	bool normalized = doc->kernel_header_normalized;

	return cbor_head_write(out, 5, normalized ? 4 : 3) &&
	    (doc->cmdline.ptr == NULL ?
		member_write(out, "cmdline_sha384", doc->cmdline_sha384) :
		cbor_text_write(out, "cmdline") && text_write(out, doc->cmdline)) &&
	    member_write(out, "kernel_authenticode", doc->kernel_authenticode) &&
	    (!normalized || (cbor_text_write(out, "kernel_header_normalized") &&
		cbor_head_write(out, 7, 21))) &&
	    member_write(out, "initrd_sha384", doc->initrd_sha384);
}

static bool
tdvf_write(CBB *out, const struct tdx_document *doc)
{
	return cbor_head_write(out, 5, 3) &&
	    cbor_text_write(out, "ovmf") && cbor_text_write(out, "pre202505") &&
	    cbor_text_write(out, "mrtd") && cbor_head_write(out, 5, 2) &&
	    member_write(out, "single_pass", doc->mrtd_single_pass) &&
	    member_write(out, "two_pass", doc->mrtd_two_pass) &&
	    member_write(out, "td_hob", doc->td_hob);
}

struct bytes
image_document(const struct tdx_document *doc)
{
	CBB out;

	MUST(CBB_init(&out, 1024));
	MUST(cbor_head_write(&out, 5, 3) &&
	    cbor_text_write(&out, "version") && cbor_head_write(&out, 0, doc->version) &&
	    cbor_text_write(&out, "image") && image_write(&out, doc) &&
	    cbor_text_write(&out, "tdvf") && tdvf_write(&out, doc));
	return build_finish(&out);
}

struct tdx_document
image_sample(void)
{
	static const uint8_t kernel[48] = "kernel", initrd[48] = "initrd", single[48] = "single",
	    two[48] = "two";
	static const uint8_t td_hob[] = {
		0x80, 0x10, 0x09, 0x04, 0x00, 0x06, 0x09, 0x02, 0x0b, 0x02, 0x10, 0x10,
	};

	return (struct tdx_document){
		.version = 4,
		.ovmf = OVMF_PRE202505,
		.cmdline = bytes_str("console=ttyS0 dstack.rootfs_hash="
		    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
		.kernel_authenticode = BYTES_OF(kernel),
		.initrd_sha384 = BYTES_OF(initrd),
		.mrtd_single_pass = BYTES_OF(single),
		.mrtd_two_pass = BYTES_OF(two),
		.td_hob = BYTES_OF(td_hob),
	};
}

static void
add_varuint(CBB *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		MUST(CBB_add_u8(out, (uint8_t)(value | 0x80)));
	MUST(CBB_add_u8(out, (uint8_t)value));
}

struct bytes
image_witness(const struct image_layout *layout)
{
	const uint64_t base = layout->ranges[0].start / IMAGE_PAGE_LEN;
	CBB out;

	MUST(CBB_init(&out, 64));
	add_varuint(&out, base);
	add_varuint(&out, layout->hob / IMAGE_PAGE_LEN - base);
	add_varuint(&out, layout->n);
	for (size_t i = 0; i < layout->n; i++) {
		add_varuint(&out, layout->ranges[i].start / IMAGE_PAGE_LEN - base);
		add_varuint(&out, layout->ranges[i].len / IMAGE_PAGE_LEN);
	}
	return build_finish(&out);
}

const struct image_layout image_layout = {
	.hob = 0x809000, .n = 4,
	.ranges = {
		{ 0x800000, 0x6000 }, { 0x809000, 0x2000 }, { 0x80b000, 0x2000 },
		{ 0x810000, 0x10000 },
	},
};
