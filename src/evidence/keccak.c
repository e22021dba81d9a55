#include "evidence/keccak.h"

#define KECCAK_RATE     136     /* bytes: 1600 bits of state less twice 256       */
#define KECCAK_LANES    25
#define KECCAK_ROUNDS   24

static const uint64_t round_constants[KECCAK_ROUNDS] = {
	0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
	0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
	0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
	0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
	0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
	0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

/* Rotation and destination of each step of the cycle that rho and pi walk from lane 1. */
static const uint8_t rho[KECCAK_LANES - 1] = {
	1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44,
};
static const uint8_t pi[KECCAK_LANES - 1] = {
	10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1,
};

static uint64_t
rotate(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static void
theta(uint64_t a[KECCAK_LANES])
{
	uint64_t c[5], d;

	for (size_t x = 0; x < 5; x++)
		c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
	for (size_t x = 0; x < 5; x++) {
		d = c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1);
		for (size_t y = 0; y < KECCAK_LANES; y += 5)
			a[x + y] ^= d;
	}
}

static void
rho_pi(uint64_t a[KECCAK_LANES])
{
	uint64_t carried = a[1], next;

	for (size_t i = 0; i < NELEM(pi); i++) {
		next = a[pi[i]];
		a[pi[i]] = rotate(carried, rho[i]);
		carried = next;
	}
}

static void
chi(uint64_t a[KECCAK_LANES])
{
	uint64_t row[5];

	for (size_t y = 0; y < KECCAK_LANES; y += 5) {
		memcpy(row, a + y, sizeof row);
		for (size_t x = 0; x < 5; x++)
			a[x + y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
	}
}

static void
permute(uint64_t a[KECCAK_LANES])
{
	for (size_t i = 0; i < KECCAK_ROUNDS; i++) {
		theta(a);
		rho_pi(a);
		chi(a);
		a[0] ^= round_constants[i];
	}
}

static void
absorb(uint64_t a[KECCAK_LANES], const uint8_t block[KECCAK_RATE])
{
	for (size_t i = 0; i < KECCAK_RATE; i++)
		a[i / 8] ^= (uint64_t)block[i] << (8 * (i % 8));
	permute(a);
}

void
keccak256(uint8_t out[KECCAK256_LEN], struct bytes in)
{
	uint64_t a[KECCAK_LANES] = { 0 };
	uint8_t last[KECCAK_RATE] = { 0 };
	size_t done = 0;

	for (; in.len - done >= KECCAK_RATE; done += KECCAK_RATE)
		absorb(a, in.ptr + done);
	bytes_copy(last, (struct bytes){ in.len == done ? NULL : in.ptr + done, in.len - done });
	last[in.len - done] ^= 0x01;    /* SHA-3 has 0x06 here                    */
	last[KECCAK_RATE - 1] ^= 0x80;
	absorb(a, last);
	for (size_t i = 0; i < KECCAK256_LEN; i++)
		out[i] = (uint8_t)(a[i / 8] >> (8 * (i % 8)));
}
