/*
 * fuzz.h - what fuzz targets share
 *
 * A target is a function that takes any bytes.  It feeds a reader and then asks for sense: a
 * refusal has a kind and a printable text, spans lie in the input, what can be written again
 * reads the same.  What makes no sense ends the program, as a memory error does.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "core/arena.h"
#include "core/bytes.h"
#include "core/reason.h"

/* Most memory of one input: that of a job. */
#define FUZZ_ARENA_MAX  ((size_t)64 << 20)

/* The target; 0, always.  libFuzzer's main() calls it, or that of replay.c. */
int     LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* An empty arena; what the last input took is gone. */
struct arena *fuzz_arena(void);

/* Ends the program unless `ok`: "fuzz: WHAT". */
#define fuzz_must(ok, what)     ((ok) ? (void)0 : fuzz_end(what))
_Noreturn void fuzz_end(const char *what);

/* What a reader returned: ends the program when a refusal has no sensible reason.  Gives `ok`. */
bool    fuzz_sense(bool ok, const struct reason *why);

/* Ends the program unless `part` is empty or lies in `whole`. */
void    fuzz_within(struct bytes part, struct bytes whole);

/* Ends the program unless the CBB holds exactly these bytes; cleans it up. */
void    fuzz_wrote(CBB *cbb, struct bytes wanted);

/* The certificates as PEM, in the arena. */
struct bytes fuzz_pem(struct arena *arena, const struct bytes *ders, size_t n);

/* Whether json-c, which is lenient, takes the text for JSON nested at most so deep. */
bool    fuzz_json_c(struct bytes text, int depth);

/* Calls `setup`, whose memory is kept until the program ends and is no leak. */
void    fuzz_setup(void (*setup)(void));

/* Takes one byte off the front, 0 when there is none: what chooses among variants of a target. */
uint8_t fuzz_choice(struct bytes *in);

#endif
