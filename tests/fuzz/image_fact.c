/*
 * What the supervisor signs and a worker asks for, with patches from the input: the first byte
 * chooses record or kernel fact, part 0 of the patches is the blob, part 1 what is asked for (type,
 * image, initrd address).  Nothing is accepted but what was signed, as what it was signed.
 */
#include "measure/image_fact.h"

#include <openssl/curve25519.h>

#include "patch.h"

#define PAYLOAD_LEN     256     /* with all patches inserted the blob is over its limit */
#define ASKED_LEN       (1 + SHA256_DIGEST_LENGTH + 4)

static uint8_t public_key[IMAGE_FACT_PUBLIC_KEY_LEN];
static struct seed {
	uint8_t blob[IMAGE_FACT_SIGNATURE_LEN + PAYLOAD_LEN], asked[ASKED_LEN];
} seeds[2];

static bool
asked_read(struct image_fact_key *key, struct bytes asked)
{
	CBS in = cbs_bytes(asked);
	uint8_t type;

	if (!CBS_get_u8(&in, &type) ||
	    !CBS_copy_bytes(&in, key->os_image_hash.data, sizeof key->os_image_hash.data) ||
	    !CBS_get_u32(&in, &key->initrd_addr) || CBS_len(&in) != 0)
		return false;
	key->type = type;
	return type == IMAGE_FACT_RECORD || type == IMAGE_FACT_KERNEL;
}

static void
seed_sign(struct seed *seed, uint8_t type, const uint8_t *private_key)
{
	const struct bytes payload = { seed->blob + IMAGE_FACT_SIGNATURE_LEN, PAYLOAD_LEN };
	uint8_t message[IMAGE_FACT_MESSAGE_MAX_LEN];
	struct image_fact_key key;
	size_t len;
	CBB out;

	memset(seed->asked, 0x5a, sizeof seed->asked);
	seed->asked[0] = type;
	memset(seed->blob + IMAGE_FACT_SIGNATURE_LEN, type, PAYLOAD_LEN);
	fuzz_must(asked_read(&key, BYTES_OF(seed->asked)) &&
	    CBB_init_fixed(&out, message, sizeof message) &&
	    image_fact_message_write(&out, &key, payload) && CBB_finish(&out, NULL, &len) &&
	    ED25519_sign(seed->blob, message, len, private_key), "a signature");
}

static void
seeds_make(void)
{
	static const uint8_t secret[32] = "a key for the fuzzer";
	uint8_t private_key[ED25519_PRIVATE_KEY_LEN];

	ED25519_keypair_from_seed(public_key, private_key, secret);
	seed_sign(&seeds[0], IMAGE_FACT_RECORD, private_key);
	seed_sign(&seeds[1], IMAGE_FACT_KERNEL, private_key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = { data, len }, payload = { 0 }, parts[2];
	const struct seed *seed;
	struct image_fact_key key;
	struct reason why = { 0 };
	bool whole, ok;

	if (seeds[0].asked[0] == 0)
		seeds_make();
	seed = &seeds[fuzz_choice(&in) & 1];
	parts[0] = BYTES_OF(seed->blob);
	parts[1] = BYTES_OF(seed->asked);
	patches_apply(parts, 2, in, fuzz_arena());
	if (!asked_read(&key, parts[1]))
		return 0;
	whole = bytes_equal(parts[0], BYTES_OF(seed->blob)) &&
	    bytes_equal(parts[1], BYTES_OF(seed->asked));
	ok = fuzz_sense(image_fact_verify(&payload, &key, parts[0], public_key, &why), &why);
	fuzz_must(!ok || whole, "accepted, and nobody signed it");
	fuzz_must(ok || !whole, "what was signed is refused");
	if (!ok)
		return 0;
	fuzz_within(payload, parts[0]);
	fuzz_must(payload.len == PAYLOAD_LEN, "another payload");
	return 0;
}
