#include "dcap/marks.h"

#include <stdlib.h>

/* The members of a dv_key that name collateral. */
struct mark_key {
	uint8_t type, tee, ca, early;
	uint8_t fmspc[6];
};

struct mark {
	struct mark_key key;
	int64_t date;
	int64_t number_until;           /* the number counts up to and with this second */
	uint8_t number[MARK_NUMBER_LEN];
	uint64_t raised;                /* when, by the count of raises              */
};

struct marks {
	size_t  n;
	uint64_t nraises;
	struct mark list[MARKS_MAX];
};

void
mark_number(uint8_t number[MARK_NUMBER_LEN], uint32_t value)
{
	memset(number, 0, MARK_NUMBER_LEN);
	for (size_t i = 0; i < sizeof value; i++)
		number[MARK_NUMBER_LEN - 1 - i] = (uint8_t)(value >> (8 * i));
}

struct marks *
marks_new(void)
{
	return calloc(1, sizeof(struct marks));
}

void
marks_free(struct marks *marks)
{
	free(marks);
}

static struct mark_key
mark_key(const struct dv_key *key)
{
	struct mark_key out = {
		.type = (uint8_t)key->type,
		.tee = (uint8_t)key->tee,
		.ca = (uint8_t)key->ca,
		.early = key->early,
	};

	memcpy(out.fmspc, key->fmspc, sizeof out.fmspc);
	return out;
}

static const struct mark *
mark_find(const struct marks *marks, struct mark_key key)
{
	for (size_t i = 0; i < marks->n; i++)
		if (memcmp(&marks->list[i].key, &key, sizeof key) == 0)
			return &marks->list[i];
	return NULL;
}

static bool
number_less(const uint8_t a[MARK_NUMBER_LEN], const uint8_t b[MARK_NUMBER_LEN])
{
	return memcmp(a, b, MARK_NUMBER_LEN) < 0;
}

static bool
floors_check(const struct dv_key *key, const struct mark_values *values, struct reason *why)
{
	uint8_t floor_number[MARK_NUMBER_LEN];
	uint32_t number;
	int64_t date;

	floor_find(&date, &number, key);
	mark_number(floor_number, number);
	if (values->date < date)
		return reject(why, REASON_UNAVAILABLE, "older than this release allows");
	if (number_less(values->number, floor_number))
		return reject(why, REASON_UNAVAILABLE, "number smaller than this release allows");
	return true;
}

bool
marks_check(const struct marks *marks, const struct dv_key *key,
    const struct mark_values *values, bool floors, int64_t now, struct reason *why)
{
	const struct mark *mark = mark_find(marks, mark_key(key));

	if (floors && !floors_check(key, values, why))
		return false;
	if (mark == NULL)
		return true;
	if (values->date < mark->date)
		return reject(why, REASON_UNAVAILABLE, "older than one already verified");
	if (now <= mark->number_until && number_less(values->number, mark->number))
		return reject(why, REASON_UNAVAILABLE,
		    "number smaller than one already verified");
	return true;
}

/* The mark of the key, made when there is none; the least recently raised makes room. */
static struct mark *
mark_take(struct marks *marks, struct mark_key key)
{
	struct mark *oldest = &marks->list[0];

	for (size_t i = 0; i < marks->n; i++) {
		struct mark *mark = &marks->list[i];

		if (memcmp(&mark->key, &key, sizeof key) == 0)
			return mark;
		if (mark->raised < oldest->raised)
			oldest = mark;
	}
	if (marks->n < MARKS_MAX)
		oldest = &marks->list[marks->n++];
	*oldest = (struct mark){ .key = key, .date = INT64_MIN, .number_until = INT64_MIN };
	return oldest;
}

void
marks_raise(struct marks *marks, const struct dv_key *key, const struct mark_values *values)
{
	struct mark *mark = mark_take(marks, mark_key(key));

	if (values->date > mark->date)
		mark->date = values->date;
	if (!number_less(values->number, mark->number) || values->date > mark->number_until) {
		memcpy(mark->number, values->number, sizeof mark->number);
		mark->number_until = values->next_update;
	}
	mark->raised = ++marks->nraises;
}
