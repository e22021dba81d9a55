/*
 * bench - what things cost, in units of one P-256 signature verification
 *
 * The unit is measured in the same run, so that the multiples mean the same on every machine.
 * Each figure is the best of several rounds: what disturbs a measurement only ever adds.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/nid.h>

#define ROUNDS          20
#define ROUND_NS        20000000        /* each round lasts about this long */

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The best time of one call of work(arg), in nanoseconds. */
static double
measure(void (*work)(void *), void *arg)
{
	double best = 0, ns;
	int64_t start, n, i;
	int round;

	start = now_ns();
	work(arg);
	n = ROUND_NS / (now_ns() - start + 1) + 1;
	for (round = 0; round < ROUNDS; round++) {
		start = now_ns();
		for (i = 0; i < n; i++)
			work(arg);
		ns = (double)(now_ns() - start) / (double)n;
		if (round == 0 || ns < best)
			best = ns;
	}
	return best;
}

struct signature {
	EC_KEY  *key;
	uint8_t digest[32];
	uint8_t der[80];
	unsigned der_len;
};

static void
signature_make(struct signature *s)
{
	int ok;

	s->key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	assert(s->key != NULL);
	ok = EC_KEY_generate_key(s->key);
	assert(ok == 1);
	ok = ECDSA_sign(0, s->digest, sizeof s->digest, s->der, &s->der_len, s->key);
	assert(ok == 1);
}

static void
signature_verify(void *arg)
{
	struct signature *s = arg;
	int ok;

	ok = ECDSA_verify(0, s->digest, sizeof s->digest, s->der, s->der_len, s->key);
	assert(ok == 1);
}

int
main(void)
{
	struct signature s = { 0 };
	double unit;

	signature_make(&s);
	unit = measure(signature_verify, &s);
	printf("%-48s %8.1f us\n", "one P-256 verification (the unit)", unit / 1000);
	EC_KEY_free(s.key);
	return 0;
}
