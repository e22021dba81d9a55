#include "dcap/pem.h"

#include "core/base64.h"

#define PEM_BEGIN       "-----BEGIN CERTIFICATE-----"
#define PEM_END         "-----END CERTIFICATE-----"
#define PEM_DASHES      "-----"

static bool
malformed(struct reason *why, const char *text)
{
	return reject(why, REASON_MALFORMED, "%s", text);
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Takes everything before the next five dashes; false when there are none. */
static bool
dashes_find(CBS *before, CBS *in)
{
	struct bytes rest = bytes_cbs(in);
	const uint8_t *p;

	if (rest.len == 0)
		return false;
	p = memmem(rest.ptr, rest.len, PEM_DASHES, strlen(PEM_DASHES));
	return p != NULL && CBS_get_bytes(in, before, (size_t)(p - rest.ptr));
}

static bool
marker_read(CBS *in, const char *marker)
{
	CBS taken;

	return CBS_get_bytes(in, &taken, strlen(marker)) &&
	    bytes_equal(bytes_cbs(&taken), bytes_str(marker));
}

/* Decodes what stands between two markers. */
static bool
block_decode(struct bytes *der, struct arena *arena, CBS block, struct reason *why)
{
	uint8_t *text, c;
	size_t len = 0;

	if (CBS_len(&block) > PEM_BLOCK_MAX_LEN)
		return reject(why, REASON_LIMIT, "PEM block is longer than %u bytes",
		    PEM_BLOCK_MAX_LEN);
	text = arena_alloc(arena, CBS_len(&block), why);
	if (text == NULL)
		return false;
	while (CBS_get_u8(&block, &c))
		if (!is_space(c))
			text[len++] = c;
	if (len == 0)
		return malformed(why, "PEM block is empty");
	if (base64_decode(der, arena, (struct bytes){ text, len }, PEM_BLOCK_MAX_LEN, why))
		return true;
	return why->kind == REASON_MALFORMED ? malformed(why, "PEM block is not base64") : false;
}

/*
 * Not by lines: some genuine quotes have END and the next BEGIN on one.  Text between blocks,
 * the NUL behind the last one included, is passed over as long as it holds no five dashes.
 */
bool
pem_chain_read(struct pem_chain *out, struct arena *arena, struct bytes text, struct reason *why)
{
	CBS in = cbs_bytes(text), part;

	out->n = 0;
	if (text.len > PEM_MAX_LEN)
		return reject(why, REASON_LIMIT, "PEM text is longer than %u bytes", PEM_MAX_LEN);
	while (dashes_find(&part, &in)) {
		if (!marker_read(&in, PEM_BEGIN))
			return malformed(why, "PEM marker is not BEGIN CERTIFICATE");
		if (out->n == PEM_MAX_BLOCKS)
			return reject(why, REASON_LIMIT, "more than %d PEM blocks",
			    PEM_MAX_BLOCKS);
		if (!dashes_find(&part, &in))
			return malformed(why, "PEM block has no END");
		if (!marker_read(&in, PEM_END))
			return malformed(why, "PEM marker is not END CERTIFICATE");
		if (!block_decode(&out->der[out->n], arena, part, why))
			return false;
		out->n++;
	}
	if (out->n == 0)
		return malformed(why, "no PEM block");
	return true;
}

bool
pem_looks_like(struct bytes text)
{
	static const char begin[] = "-----BEGIN";

	return text.len >= strlen(begin) && memcmp(text.ptr, begin, strlen(begin)) == 0;
}
