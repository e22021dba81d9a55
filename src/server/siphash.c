#include "server/siphash.h"

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t
rotate(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static void
mix(struct state *s, unsigned rounds)
{
	while (rounds-- > 0) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 = rotate(s->v2, 32);
	}
}

static void
absorb(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	mix(s, 2);
	s->v0 ^= word;
}

uint64_t
siphash(const uint8_t key[SIPHASH_KEY_LEN], struct bytes data)
{
	CBS in = cbs_bytes(data), key_in;
	uint64_t k0 = 0, k1 = 0, word, last = (uint64_t)(data.len & 0xff) << 56;
	struct state s;
	uint8_t byte;

	CBS_init(&key_in, key, SIPHASH_KEY_LEN);
	(void)!CBS_get_u64le(&key_in, &k0);
	(void)!CBS_get_u64le(&key_in, &k1);
	s = (struct state){
		k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
		k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573),
	};
	while (CBS_get_u64le(&in, &word))
		absorb(&s, word);
	for (unsigned shift = 0; CBS_get_u8(&in, &byte); shift += 8)
		last |= (uint64_t)byte << shift;
	absorb(&s, last);
	s.v2 ^= 0xff;
	mix(&s, 4);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
