#include "measure/pe.h"

#include <inttypes.h>

/* Offsets of what is read. */
#define DOS_PE_OFFSET           0x3c
#define PE_SIGNATURE            0x00004550      /* "PE\0\0"                             */
#define COFF_OFFSET             4               /* from the signature                   */
#define COFF_N_SECTIONS         2
#define COFF_OPTIONAL_LEN       16
#define COFF_LEN                20
#define OPTIONAL_HEADERS_LEN    60
#define OPTIONAL_CHECKSUM       64
#define OPTIONAL_PLUS_MAGIC     0x20b           /* PE32+                                */
#define OPTIONAL_DIRECTORIES    96
#define OPTIONAL_DIRECTORIES_PLUS 112
#define DIRECTORY_LEN           8
#define DIRECTORY_CERTIFICATES  4
#define SECTION_LEN             40
#define SECTION_DATA_LEN        16
#define SECTION_DATA_OFFSET     20

#define CHECKSUM_LEN            4
#define ALIGNMENT               8

/* A file whose first bytes are others. */
struct image {
	struct bytes head, file;
};

struct section {
	uint64_t start, len;                    /* in the file, or past it              */
};

/* What the headers say; no sum of 32-bit values below overflows 64 bits. */
struct headers {
	uint64_t checksum;                      /* offset                               */
	uint64_t directory;                     /* offset of the certificate directory  */
	uint64_t len;                           /* SizeOfHeaders                        */
	uint32_t certificates, certificates_len;
	uint64_t table;                         /* offset of the section headers        */
	uint32_t n_table;
	size_t  n_sections;
	struct section sections[PE_MAX_SECTIONS];       /* not empty; by start          */
};

/* What there is of [start, end). */
static struct bytes
cut(struct bytes from, uint64_t start, uint64_t end)
{
	CBS in = cbs_bytes(from);
	struct bytes out;

	if (end > from.len)
		end = from.len;
	if (start >= end || !CBS_skip(&in, start) || !bytes_read(&out, &in, end - start))
		return (struct bytes){ 0 };
	return out;
}

/* The parts of [start, end): what the head holds of it, and what the file does. */
static void
parts_find(struct bytes parts[2], const struct image *image, uint64_t start, uint64_t end)
{
	parts[0] = cut(image->head, start, end);
	parts[1] = cut(image->file, start + parts[0].len, end);
}

/* A little-endian number of 2 or 4 bytes. */
static bool
number_read(uint32_t *out, const struct image *image, uint64_t at, size_t width, const char *what,
    struct reason *why)
{
	struct bytes parts[2];
	uint8_t raw[4] = { 0 };
	CBS in;

	parts_find(parts, image, at, at + width);
	CBS_init(&in, raw, sizeof raw);
	if (parts[0].len + parts[1].len != width)
		return reject(why, REASON_MALFORMED, "Missing %s", what);
	bytes_copy(raw, parts[0]);
	bytes_copy(raw + parts[0].len, parts[1]);
	return CBS_get_u32le(&in, out);
}

/* One section header; sections come out sorted, in the order of the table where equal. */
static bool
section_read(struct headers *headers, const struct image *image, uint64_t at, struct reason *why)
{
	struct section *sections = headers->sections;
	uint32_t start, len;
	size_t i;

	if (!number_read(&start, image, at + SECTION_DATA_OFFSET, 4, "pointer_to_raw_data", why) ||
	    !number_read(&len, image, at + SECTION_DATA_LEN, 4, "size_of_raw_data", why))
		return false;
	if (len == 0)
		return true;
	for (i = headers->n_sections++; i > 0 && sections[i - 1].start > start; i--)
		sections[i] = sections[i - 1];
	sections[i] = (struct section){ start, len };
	return true;
}

static bool
bounds_check(const struct headers *headers, size_t file_len, struct reason *why)
{
	uint64_t end = headers->directory + DIRECTORY_LEN;

	if (end > file_len)
		return reject(why, REASON_MALFORMED, "malformed PE: certificate directory ends at %"
		    PRIu64 ", past the %zu-byte image", end, file_len);
	if (headers->len < end || headers->len > file_len)
		return reject(why, REASON_MALFORMED, "malformed PE: size_of_headers %" PRIu64
		    " is outside [%" PRIu64 ", %zu]", headers->len, end, file_len);
	return true;
}

/* The headers before the section headers. */
static bool
optional_read(struct headers *headers, const struct image *image, struct reason *why)
{
	uint32_t pe, signature, optional_len, magic, headers_len;
	uint64_t coff, optional;

	if (!number_read(&pe, image, DOS_PE_OFFSET, 4, "DOS header", why) ||
	    !number_read(&signature, image, pe, 4, "PE signature offset", why))
		return false;
	if (signature != PE_SIGNATURE)
		return reject(why, REASON_MALFORMED, "Invalid PE signature");
	coff = (uint64_t)pe + COFF_OFFSET;
	optional = coff + COFF_LEN;
	if (!number_read(&headers->n_table, image, coff + COFF_N_SECTIONS, 2,
		"number of sections", why) ||
	    !number_read(&optional_len, image, coff + COFF_OPTIONAL_LEN, 2, "COFF header size",
		why) ||
	    !number_read(&magic, image, optional, 2, "header magic", why) ||
	    !number_read(&headers_len, image, optional + OPTIONAL_HEADERS_LEN, 4,
		"size_of_headers", why))
		return false;
	headers->checksum = optional + OPTIONAL_CHECKSUM;
	headers->directory = optional + DIRECTORY_CERTIFICATES * DIRECTORY_LEN +
	    (magic == OPTIONAL_PLUS_MAGIC ? OPTIONAL_DIRECTORIES_PLUS : OPTIONAL_DIRECTORIES);
	headers->len = headers_len;
	headers->table = optional + optional_len;
	return true;
}

static bool
headers_read(struct headers *headers, const struct image *image, struct reason *why)
{
	uint32_t i;

	headers->n_sections = 0;
	if (!optional_read(headers, image, why) ||
	    !bounds_check(headers, image->file.len, why))
		return false;
	if (headers->n_table > PE_MAX_SECTIONS)
		return reject(why, REASON_LIMIT, "malformed PE: %" PRIu32
		    " sections, more than %d", headers->n_table, PE_MAX_SECTIONS);
	for (i = 0; i < headers->n_table; i++)
		if (!section_read(headers, image, headers->table + (uint64_t)i * SECTION_LEN, why))
			return false;
	return number_read(&headers->certificates, image, headers->directory, 4,
	    "certificate table address", why) &&
	    number_read(&headers->certificates_len, image, headers->directory + 4, 4,
	    "certificate table size", why);
}

/*
 * Sections end at the end of the file before they are compared.  Stricter: those that overlap
 * are refused, which is what bounds the work by the length of the file.
 */
static bool
overlap_check(const struct headers *headers, size_t file_len, struct reason *why)
{
	uint64_t start, end, reached = 0;
	size_t i;

	for (i = 0; i < headers->n_sections; i++) {
		start = headers->sections[i].start;
		end = start + headers->sections[i].len;
		if (start < reached)
			return reject(why, REASON_MALFORMED, "malformed PE: sections overlap");
		reached = end > file_len ? file_len : end;
	}
	return true;
}

static void
range_hash(SHA512_CTX *hash, const struct image *image, uint64_t start, uint64_t end)
{
	struct bytes parts[2];
	size_t i;

	parts_find(parts, image, start, end);
	for (i = 0; i < NELEM(parts); i++)
		SHA384_Update(hash, parts[i].ptr, parts[i].len);
}

/*
 * Compat: what follows the last section is hashed only where there is a certificate, and the
 * length is filled up with zeros to a multiple of 8.  Firmware does neither so, and no kernel that
 * dstack ships shows the difference.
 */
static void
rest_hash(SHA512_CTX *hash, const struct image *image, const struct headers *headers,
    uint64_t summed)
{
	static const uint8_t zeros[ALIGNMENT];
	uint64_t len = image->file.len;

	if (headers->certificates != 0 && headers->certificates_len != 0 && len > summed &&
	    len - summed > headers->certificates_len)
		range_hash(hash, image, summed, len - headers->certificates_len);
	if (len % ALIGNMENT != 0)
		SHA384_Update(hash, zeros, ALIGNMENT - len % ALIGNMENT);
}

bool
pe_authenticode(struct digest384 *out, struct bytes file, struct bytes head, struct reason *why)
{
	const struct image image = { cut(head, 0, file.len), file };
	struct headers headers;
	SHA512_CTX hash;
	uint64_t summed;
	size_t i;

	if (!headers_read(&headers, &image, why) || !overlap_check(&headers, file.len, why))
		return false;
	SHA384_Init(&hash);
	range_hash(&hash, &image, 0, headers.checksum);
	range_hash(&hash, &image, headers.checksum + CHECKSUM_LEN, headers.directory);
	range_hash(&hash, &image, headers.directory + DIRECTORY_LEN, headers.len);
	summed = headers.len;
	for (i = 0; i < headers.n_sections; i++) {
		const struct section *s = &headers.sections[i];

		range_hash(&hash, &image, s->start, s->start + s->len);
		summed += s->len;
	}
	rest_hash(&hash, &image, &headers, summed);
	SHA384_Final(out->data, &hash);
	return true;
}
