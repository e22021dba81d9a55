#include "fetch/image_flight.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/hex.h"
#include "ipc/log.h"

#define PROGRAM         "fetcher"
#define MAX_IDLE_MS     60000
#define NEVER           INT64_MAX
#define MANIFEST        "sha256sum.txt"
#define DOCUMENT        "measurement.tdx.cbor"
#define HASH_SIZE       65              /* hex and its NUL                              */
#define NAME_SIZE       256
#define MAX_ANSWERS     256             /* remembered until a worker's word comes       */
#define PROGRESS_MS     100
#define PIPE_LEN        (1 << 20)       /* bytes on their way to an unpacker            */

enum image_state {
	IMAGE_STARTING = 0,
	IMAGE_WAITS_TO_LOAD,            /* for one of the downloads, or for its turn    */
	IMAGE_LOADING,                  /* download and unpacker                        */
	IMAGE_UNPACKING,                /* the unpacker alone                           */
	IMAGE_WAITS_TO_MEASURE,         /* for one of the measurers                     */
	IMAGE_NAMING,                   /* PAPERS                                       */
	IMAGE_MEASURING,
};

struct image_flight {
	struct image_flights *all;
	uint8_t hash[32];
	char    name[HASH_SIZE];
	bool    verify;                 /* of an operator: no record, no download       */
	enum image_state state;
	struct dv_key wanted[IMAGE_FLIGHT_KEYS];        /* the first is worked on        */
	size_t  nwanted;
	uint64_t ticket;                /* of the helper; 0: none                       */
	struct download *download;
	struct image_staging staging;
	bool    staged;                 /* staging has the files, or will               */
	bool    fresh;                  /* its files came with this flight              */
	int     directory;              /* of the files that are measured, or -1        */
	unsigned nunpacks, nmeasures;
	int64_t progress_ms;
};

/* A FOUND that no worker has spoken about yet. */
struct image_answer {
	struct dv_key key;
	uint64_t serial;
	unsigned nrefusals;             /* of earlier ones                              */
};

struct image_flights {
	const struct fetcher_config *config;
	struct image_store *store;
	struct database *database;      /* the store's                                  */
	struct transfers *transfers;
	const struct image_flight_calls *calls;
	void    *context;
	struct moment at;               /* of the call that is being served             */
	uint64_t serial, ticket;
	struct image_answer answers[MAX_ANSWERS];
	size_t  next_answer;
	unsigned tokens;
	int64_t token_ms;               /* when the last one was added                  */
	size_t  n;
	struct image_flight *flights[IMAGE_FLIGHT_MAX];
};

static void     flight_advance(struct image_flight *flight);

struct image_flights *
image_flights_new(const struct fetcher_config *config, struct image_store *store,
    struct transfers *transfers, const struct image_flight_calls *calls, void *context)
{
	struct image_flights *flights = calloc(1, sizeof *flights);

	if (flights == NULL)
		return NULL;
	flights->config = config;
	flights->store = store;
	flights->database = image_store_database(store);
	flights->transfers = transfers;
	flights->calls = calls;
	flights->context = context;
	flights->tokens = IMAGE_FLIGHT_BURST;
	return flights;
}

/* What a flight holds */

static void
directory_close(struct image_flight *flight)
{
	if (flight->directory != -1)
		(void)close(flight->directory);
	flight->directory = -1;
}

static void
staging_drop(struct image_flight *flight)
{
	if (flight->staged)
		image_staging_discard(&flight->staging, flight->all->store);
	flight->staged = false;
}

/* Lets the helper go: no answer of it comes any more. */
static void
ticket_end(struct image_flight *flight)
{
	struct image_flights *flights = flight->all;

	if (flight->ticket != 0)
		flights->calls->ask(flights->context, FRAME_TYPE_END, flight->ticket,
		    (struct bytes){ 0 }, NULL, 0);
	flight->ticket = 0;
}

static void
flight_free(struct image_flight *flight)
{
	download_free(flight->download);
	staging_drop(flight);
	directory_close(flight);
	free(flight);
}

void
image_flights_free(struct image_flights *flights)
{
	if (flights == NULL)
		return;
	for (size_t i = 0; i < flights->n; i++)
		flight_free(flights->flights[i]);
	free(flights);
}

static struct image_flight *
flight_find(const struct image_flights *flights, const uint8_t hash[32])
{
	for (size_t i = 0; i < flights->n; i++)
		if (!flights->flights[i]->verify && memcmp(flights->flights[i]->hash, hash, 32) == 0)
			return flights->flights[i];
	return NULL;
}

/* NULL: no memory, or too many. */
static struct image_flight *
flight_new(struct image_flights *flights, const uint8_t hash[32])
{
	struct image_flight *flight;

	if (flights->n == IMAGE_FLIGHT_MAX || (flight = calloc(1, sizeof *flight)) == NULL)
		return NULL;
	flight->all = flights;
	flight->directory = -1;
	memcpy(flight->hash, hash, sizeof flight->hash);
	hex_text(flight->name, BYTES_OF(flight->hash));
	flights->flights[flights->n++] = flight;
	return flight;
}

/* The end of a flight; what others wait for may be free now, and image_flights_tick() sees that. */
static void
flight_end(struct image_flight *flight)
{
	struct image_flights *flights = flight->all;

	ticket_end(flight);
	for (size_t i = 0; i < flights->n; i++)
		if (flights->flights[i] == flight) {
			memmove(&flights->flights[i], &flights->flights[i + 1],
			    (flights->n - i - 1) * sizeof flights->flights[0]);
			flights->n--;
			break;
		}
	flight_free(flight);
}

/* Answers */

static void
found(struct image_flights *flights, const struct dv_key *key, struct bytes blob)
{
	struct image_answer *answer = NULL;
	unsigned nrefusals = 0;

	for (size_t i = 0; i < MAX_ANSWERS && answer == NULL; i++)
		if (memcmp(&flights->answers[i].key, key, sizeof *key) == 0)
			answer = &flights->answers[i];
	if (answer != NULL)
		nrefusals = answer->nrefusals;
	else
		answer = &flights->answers[flights->next_answer++ % MAX_ANSWERS];
	*answer = (struct image_answer){ *key, ++flights->serial, nrefusals };
	flights->calls->found(flights->context, &(struct fact_message){
		.key = *key,
		.serial = answer->serial,
		.fact = { .body = { blob.ptr, blob.len }, .fetched_at = flights->at.now },
	});
}

static void
failed(struct image_flights *flights, const struct dv_key *key,
    const struct image_negative *negative)
{
	const struct dv_failure failure = {
		.key = *key,
		.http_status = negative->http_status,
		.refusal = { (const uint8_t *)negative->text, strlen(negative->text) },
		.retryable = !negative->refused,
	};

	flights->calls->failed(flights->context, &failure);
}

/* A failure that says nothing about the image: it is not remembered. */
static void
busy(struct image_flights *flights, const struct dv_key *key)
{
	static const struct image_negative negative = { .text = "too many OS images at once" };

	failed(flights, key, &negative);
}

/* When to try again: the later, the more have failed. */
static int64_t
negative_ms(const struct image_flights *flights, const struct image_negative *negative)
{
	unsigned doublings = negative->nfailures < 16 ? negative->nfailures : 16;
	int64_t ms = (int64_t)IMAGE_FLIGHT_BACKOFF_MS << doublings;

	if (negative->http_status == 404 || negative->http_status == 410)
		return IMAGE_FLIGHT_GONE_MS;
	if (ms > IMAGE_FLIGHT_BACKOFF_MAX_MS)
		ms = IMAGE_FLIGHT_BACKOFF_MAX_MS;
	return ms / 4 * 3 + flights->calls->random(flights->context) % (ms / 2 + 1);
}

/* The flight has failed; so it is told for a while to whoever asks. */
static void
flight_fail(struct image_flight *flight, struct image_negative *negative)
{
	struct image_flights *flights = flight->all;
	struct image_negative earlier;
	struct reason why = { 0 };

	log_line(LOG_WARNING, PROGRAM, "image=%s unavailable status=%u refused=%d reason=\"%s\"",
	    flight->name, negative->http_status, negative->refused, negative->text);
	if (image_negative_find(flights->database, &earlier, flight->hash))
		negative->nfailures = earlier.nfailures;
	negative->until = flights->at.now + (negative_ms(flights, negative) + 999) / 1000;
	negative->nfailures++;
	if (!image_negative_put(flights->database, flight->hash, negative, &why))
		log_line(LOG_ERR, PROGRAM, "image=%s error=\"%s\"", flight->name, why.text);
	for (size_t i = 0; i < flight->nwanted; i++)
		failed(flights, &flight->wanted[i], negative);
	flight_end(flight);
}

/* In words; in front of what concerns the archive stands which image it is. */
static void
flight_fail_text(struct image_flight *flight, bool refused, bool archive, struct bytes text)
{
	struct image_negative negative = { .refused = refused };

	if (archive)
		(void)snprintf(negative.text, sizeof negative.text, "Failed to download image %s: %.*s",
		    flight->name, (int)text.len, (const char *)text.ptr);
	else
		(void)snprintf(negative.text, sizeof negative.text, "%.*s", (int)text.len,
		    (const char *)text.ptr);
	flight_fail(flight, &negative);
}

/* Measuring */

static bool
verified(struct image_flight *flight, const struct reason *why)
{
	struct image_flights *flights = flight->all;

	if (!flight->verify)
		return false;
	flights->calls->verified(flights->context, flight->hash, why);
	flight_end(flight);
	return true;
}

/* The files are not what the hash says, or cannot be measured.  If they were here before, better
 * ones may be had. */
static void
files_refused(struct image_flight *flight, struct bytes text)
{
	struct image_flights *flights = flight->all;
	struct reason why = { 0 };

	ticket_end(flight);
	directory_close(flight);
	(void)reject(&why, REASON_REFUSED, "%.*s", (int)text.len, (const char *)text.ptr);
	if (verified(flight, &why))
		return;
	log_line(LOG_WARNING, PROGRAM, "image=%s files_refused=\"%s\" fresh=%d", flight->name,
	    why.text, flight->fresh);
	if (flight->staged)
		staging_drop(flight);
	else if (!image_store_condemn(flights->store, flight->hash, &why))
		log_line(LOG_ERR, PROGRAM, "image=%s error=\"%s\"", flight->name, why.text);
	if (flight->fresh) {
		flight_fail_text(flight, true, false, text);
		return;
	}
	flight_advance(flight);
}

/* Nothing is known of the files; another measurer may do better. */
static void
measurer_lost(struct image_flight *flight, struct bytes text)
{
	struct reason why = { 0 };

	ticket_end(flight);
	log_line(LOG_WARNING, PROGRAM, "image=%s measurer=\"%.*s\"", flight->name, (int)text.len,
	    (const char *)text.ptr);
	if (++flight->nmeasures < IMAGE_FLIGHT_MEASURES) {
		flight_advance(flight);
		return;
	}
	(void)reject(&why, REASON_UNAVAILABLE, "%.*s", (int)text.len, (const char *)text.ptr);
	if (!verified(flight, &why))
		flight_fail_text(flight, false, false, bytes_str("OS image cannot be measured now"));
}

static bool
is_measuring(const struct image_flight *flight)
{
	return flight->state == IMAGE_NAMING || flight->state == IMAGE_MEASURING;
}

static size_t
flights_count(const struct image_flights *flights, bool (*is)(const struct image_flight *))
{
	size_t n = 0;

	for (size_t i = 0; i < flights->n; i++)
		n += is(flights->flights[i]);
	return n;
}

/* A file of the image, as whoever unpacked it left it; -1 when it is not one. */
static int
file_open(const struct image_flight *flight, const char *name)
{
	return openat(flight->directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

static void
files_close(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i] != -1)
			(void)close(fds[i]);
}

/* Opens n files and sends them; a file that cannot be opened is as good as a wrong one. */
static void
files_ask(struct image_flight *flight, enum frame_type type, struct bytes payload,
    const char *const *names, unsigned n)
{
	struct image_flights *flights = flight->all;
	int fds[FRAME_MAX_FDS];
	unsigned opened = 0;
	int error = 0;

	for (; opened < n; opened++)
		if ((fds[opened] = file_open(flight, names[opened])) == -1) {
			error = errno;
			break;
		}
	if (opened == n)
		flights->calls->ask(flights->context, type, flight->ticket, payload, fds, n);
	files_close(fds, opened);
	if (opened == n)
		return;
	if (error == EMFILE || error == ENFILE || error == ENOMEM)
		measurer_lost(flight, bytes_str(strerror(error)));
	else
		files_refused(flight, bytes_str("OS image lacks a file"));
}

static void
papers_ask(struct image_flight *flight)
{
	static const char *const names[] = { MANIFEST, "metadata.json" };

	flight->state = IMAGE_NAMING;
	flight->ticket = ++flight->all->ticket;
	files_ask(flight, FRAME_TYPE_PAPERS, BYTES_OF(flight->hash), names, NELEM(names));
}

static void
measure_ask(struct image_flight *flight, const char *const names[FRAME_MAX_FDS])
{
	uint8_t room[256];
	struct bytes key;
	CBB cbb;

	flight->state = IMAGE_MEASURING;
	if (!CBB_init_fixed(&cbb, room, sizeof room))
		abort();
	if (!message_key_write(&cbb, &flight->wanted[0]))
		abort();
	key = (struct bytes){ CBB_data(&cbb), CBB_len(&cbb) };
	files_ask(flight, FRAME_TYPE_MEASURE, key, names, FRAME_MAX_FDS);
	CBB_cleanup(&cbb);
}

/* A name as a file of ours may have it, out of a process that has read a hostile image. */
static bool
name_take(char out[NAME_SIZE], struct bytes name)
{
	if (name.len == 0 || name.len >= NAME_SIZE || name.ptr[0] == '.' ||
	    memchr(name.ptr, '/', name.len) != NULL || memchr(name.ptr, '\0', name.len) != NULL)
		return false;
	bytes_copy(out, name);
	out[name.len] = '\0';
	return true;
}

/* Puts what was unpacked where everybody finds it, and goes on with what is there. */
static bool
publish(struct image_flight *flight, const char *const names[FRAME_MAX_FDS])
{
	struct image_flights *flights = flight->all;
	struct reason why = { 0 };
	bool ok;

	flight->staged = false;
	ok = image_store_publish(flights->store, &flight->staging, flight->hash, names,
	    FRAME_MAX_FDS, flights->at.now, &why);
	directory_close(flight);
	if (ok)
		flight->directory = image_store_find(flights->store, flight->hash);
	if (flight->directory != -1)
		return true;
	log_line(LOG_ERR, PROGRAM, "image=%s error=\"%s\"", flight->name,
	    ok ? "it is gone already" : why.text);
	ticket_end(flight);
	flight_fail_text(flight, false, true, bytes_str("OS image cannot be stored"));
	return false;
}

static void
names_answer(struct image_flight *flight, const struct names_message *message)
{
	char firmware[NAME_SIZE], kernel[NAME_SIZE], initrd[NAME_SIZE];
	/* Where there is no document the manifest takes its place, and nobody looks at it. */
	const char *const names[FRAME_MAX_FDS] = { MANIFEST, "metadata.json", firmware, kernel,
	    initrd, faccessat(flight->directory, DOCUMENT, F_OK, 0) == 0 ? DOCUMENT : MANIFEST };

	if (!name_take(firmware, message->firmware) || !name_take(kernel, message->kernel) ||
	    !name_take(initrd, message->initrd)) {
		measurer_lost(flight, bytes_str("unsafe file name"));
		return;
	}
	if (!flight->staged || publish(flight, names))
		measure_ask(flight, names);
}

static void
record_found(struct image_flight *flight, struct bytes blob)
{
	struct image_flights *flights = flight->all;
	struct dv_key key = flight->wanted[0];
	struct reason why = { 0 };

	ticket_end(flight);
	if (verified(flight, &why))
		return;
	log_line(LOG_INFO, PROGRAM, "image=%s measured=%s", flight->name,
	    key.type == DV_FACT_KERNEL ? "kernel" : "image");
	if (flights->config->has_image_key && !image_record_put(flights->database, &key,
	    flights->config->image_key, blob, flights->at.now, &why))
		log_line(LOG_ERR, PROGRAM, "image=%s error=\"%s\"", flight->name, why.text);
	if (!image_negative_clear(flights->database, flight->hash, &why))
		log_line(LOG_ERR, PROGRAM, "image=%s error=\"%s\"", flight->name, why.text);
	flight->nwanted--;
	memmove(&flight->wanted[0], &flight->wanted[1],
	    flight->nwanted * sizeof flight->wanted[0]);
	flight->nmeasures = 0;
	found(flights, &key, blob);
	flight_advance(flight);
}

static void
record_answer(struct image_flight *flight, const struct record_message *record)
{
	if (record->ok && flight->state == IMAGE_MEASURING)
		record_found(flight, record->payload);
	else if (record->ok)
		measurer_lost(flight, bytes_str("a record in place of names"));
	else if (record->refused)
		files_refused(flight, record->reason);
	else
		measurer_lost(flight, record->reason);
}

/* Downloading */

static bool
is_loading(const struct image_flight *flight)
{
	return flight->state == IMAGE_LOADING || flight->state == IMAGE_UNPACKING;
}

static void
unpacker_end(struct image_flight *flight)
{
	ticket_end(flight);
	staging_drop(flight);
}

/* An archive begins: an unpacker of its own, and the pipe to it. */
static int
archive_begin(void *context, struct reason *why)
{
	struct image_flight *flight = context;
	struct image_flights *flights = flight->all;
	int ends[2];

	unpacker_end(flight);
	if (!image_staging_new(&flight->staging, flights->store, why))
		return -1;
	flight->staged = true;
	if (pipe2(ends, O_CLOEXEC) == -1) {
		(void)reject(why, REASON_INTERNAL, "no pipe: %s", strerror(errno));
		return -1;
	}
	/* The unpacker's end blocks.  A small pipe works, too. */
	(void)fcntl(ends[1], F_SETFL, O_NONBLOCK);
	(void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_LEN);
	flight->ticket = ++flights->ticket;
	flights->calls->ask(flights->context, FRAME_TYPE_UNPACK, flight->ticket,
	    BYTES_OF(flight->hash), (const int[]){ ends[0], flight->staging.fd }, 2);
	(void)close(ends[0]);
	return ends[1];
}

static void
progress(void *context, uint64_t received, uint64_t total)
{
	struct image_flight *flight = context;
	struct image_flights *flights = flight->all;
	struct progress_message message = { .received = received, .total = total };

	if (!flights->config->progress || (flights->at.ms - flight->progress_ms < PROGRESS_MS &&
	    received != total))
		return;
	flight->progress_ms = flights->at.ms;
	memcpy(message.hash, flight->hash, sizeof message.hash);
	flights->calls->progress(flights->context, &message);
}

static uint32_t
random_get(void *context)
{
	const struct image_flight *flight = context;

	return flight->all->calls->random(flight->all->context);
}

static const struct download_calls download_calls = {
	.begin = archive_begin,
	.progress = progress,
	.random = random_get,
};

static void
load(struct image_flight *flight)
{
	struct image_flights *flights = flight->all;
	const struct fetcher_config *config = flights->config;
	struct reason why = { 0 };

	flight->state = IMAGE_LOADING;
	flight->fresh = true;
	flight->nunpacks++;
	if (download_start(&flight->download, flights->transfers, config->image_download_url,
	    flight->hash, config->image_download_timeout_secs, &download_calls, flight,
	    flights->at.ms, &why))
		return;
	log_line(LOG_ERR, PROGRAM, "image=%s error=\"%s\"", flight->name, why.text);
	unpacker_end(flight);
	flight_fail_text(flight, false, true, bytes_str("OS image cannot be stored"));
}

static void
tokens_add(struct image_flights *flights)
{
	int64_t n = (flights->at.ms - flights->token_ms) / IMAGE_FLIGHT_EVERY_MS;

	flights->token_ms += n * IMAGE_FLIGHT_EVERY_MS;
	flights->tokens = n >= IMAGE_FLIGHT_BURST - flights->tokens ? IMAGE_FLIGHT_BURST :
	    flights->tokens + (unsigned)n;
}

static void
load_or_wait(struct image_flight *flight)
{
	struct image_flights *flights = flight->all;

	flight->state = IMAGE_WAITS_TO_LOAD;
	tokens_add(flights);
	if (flights_count(flights, is_loading) >= IMAGE_FLIGHT_DOWNLOADS || flights->tokens == 0)
		return;
	flights->tokens--;
	load(flight);
}

/* The unpacker is lost, or the disk is full. */
static void
unpacker_lost(struct image_flight *flight, struct bytes text)
{
	char words[MESSAGE_MAX_REFUSAL_LEN];

	(void)snprintf(words, sizeof words, "%.*s", (int)text.len, (const char *)text.ptr);
	download_free(TAKE(flight->download));
	unpacker_end(flight);
	log_line(LOG_WARNING, PROGRAM, "image=%s unpacker=\"%s\"", flight->name, words);
	if (flight->nunpacks < IMAGE_FLIGHT_UNPACKS)
		load(flight);
	else
		flight_fail_text(flight, false, true, bytes_str(words));
}

static void
unpacked_answer(struct image_flight *flight, const struct unpacked_message *unpacked)
{
	struct reason why = { 0 };

	if (!unpacked->ok && !unpacked->refused) {
		unpacker_lost(flight, unpacked->reason);
		return;
	}
	download_free(TAKE(flight->download));
	flight->ticket = 0;
	if (unpacked->refused) {
		staging_drop(flight);
		flight_fail_text(flight, true, true, unpacked->reason);
		return;
	}
	flight->directory = fcntl(flight->staging.fd, F_DUPFD_CLOEXEC, 0);
	if (flight->directory == -1) {
		(void)reject(&why, REASON_INTERNAL, "%s", strerror(errno));
		unpacker_lost(flight, bytes_str(why.text));
		return;
	}
	log_line(LOG_INFO, PROGRAM, "image=%s unpacked bytes=%llu", flight->name,
	    (unsigned long long)unpacked->nbytes);
	flight_advance(flight);
}

static void
download_failed(struct image_flight *flight)
{
	struct download_failure failure = *download_failure(flight->download);
	struct image_negative negative = { .http_status = failure.http_status };
	bool gone = failure.http_status == 404 || failure.http_status == 410;

	/* A body that broke off. */
	if (failure.http_status < 300)
		negative.http_status = 0;
	download_free(TAKE(flight->download));
	unpacker_end(flight);
	log_line(LOG_WARNING, PROGRAM, "image=%s download=\"%s\"", flight->name, failure.why.text);
	if (failure.timed_out) {
		flight_fail_text(flight, false, false, bytes_str("Download image timeout"));
		return;
	}
	if (negative.http_status != 0 && !gone)
		(void)snprintf(negative.text, sizeof negative.text, "Failed to download image %s: "
		    "Failed to download image: HTTP status %u", flight->name, negative.http_status);
	flight_fail(flight, &negative);
}

static void
download_check(struct image_flight *flight)
{
	switch (download_state(flight->download)) {
	case DOWNLOAD_RUNNING:
		return;
	case DOWNLOAD_DONE:
	case DOWNLOAD_SINK_GONE:
		/* The unpacker's word on it is on its way. */
		download_free(TAKE(flight->download));
		flight->state = IMAGE_UNPACKING;
		return;
	case DOWNLOAD_FAILED:
		download_failed(flight);
		return;
	}
}

/* The next thing that a flight needs */

static void
measure_or_wait(struct image_flight *flight)
{
	struct image_flights *flights = flight->all;

	flight->state = IMAGE_WAITS_TO_MEASURE;
	if (flights_count(flights, is_measuring) < flights->config->max_measurers)
		papers_ask(flight);
}

static void
flight_advance(struct image_flight *flight)
{
	if (flight->nwanted == 0) {
		flight_end(flight);
		return;
	}
	if (flight->directory == -1)
		flight->directory = image_store_find(flight->all->store, flight->hash);
	if (flight->directory != -1) {
		if (!flight->staged)
			image_store_touch(flight->all->store, flight->hash, flight->all->at.now);
		measure_or_wait(flight);
	} else if (!verified(flight, &(struct reason){ REASON_UNAVAILABLE, "it is not here" })) {
		load_or_wait(flight);
	}
}

/* Questions */

static void
flight_want(struct image_flight *flight, const struct dv_key *key)
{
	for (size_t i = 0; i < flight->nwanted; i++)
		if (memcmp(&flight->wanted[i], key, sizeof *key) == 0)
			return;
	if (flight->nwanted == IMAGE_FLIGHT_KEYS)
		busy(flight->all, key);
	else
		flight->wanted[flight->nwanted++] = *key;
}

static void
flight_start(struct image_flights *flights, const struct dv_key *key)
{
	struct image_flight *flight = flight_new(flights, key->image);

	if (flight == NULL) {
		busy(flights, key);
		return;
	}
	flight_want(flight, key);
	flight_advance(flight);
}

void
image_flights_fetch(struct image_flights *flights, const struct dv_key *key, struct moment at)
{
	struct image_flight *flight = flight_find(flights, key->image);
	struct image_negative negative;
	struct image_record_blob record;

	flights->at = at;
	if (flights->config->has_image_key && image_record_find(flights->database, &record, key,
	    flights->config->image_key, at.now)) {
		image_store_touch(flights->store, key->image, at.now);
		found(flights, key, (struct bytes){ record.data, record.len });
	} else if (flight != NULL) {
		flight_want(flight, key);
	} else if (image_negative_find(flights->database, &negative, key->image) &&
	    negative.until > at.now) {
		failed(flights, key, &negative);
	} else {
		flight_start(flights, key);
	}
}

void
image_flights_verify(struct image_flights *flights, const uint8_t hash[32], struct moment at)
{
	struct dv_key key;
	struct image_flight *flight;

	memset(&key, 0, sizeof key);
	key.type = DV_FACT_IMAGE;
	memcpy(key.image, hash, sizeof key.image);
	flights->at = at;
	flight = flight_new(flights, hash);
	if (flight == NULL) {
		flights->calls->verified(flights->context, hash,
		    &(struct reason){ REASON_UNAVAILABLE, "too many OS images at once" });
		return;
	}
	flight->verify = true;
	flight_want(flight, &key);
	flight_advance(flight);
}

void
image_flights_checked(struct image_flights *flights, const struct checked_message *checked,
    struct moment at)
{
	static const struct image_negative refused = { .text = "OS image cannot be measured now" };
	struct image_answer *answer = NULL;
	struct reason why = { 0 };

	for (size_t i = 0; i < MAX_ANSWERS; i++)
		if (checked->serial != 0 && flights->answers[i].serial == checked->serial)
			answer = &flights->answers[i];
	if (answer == NULL)
		return;
	flights->at = at;
	if (checked->accepted) {
		*answer = (struct image_answer){ .serial = 0 };
		return;
	}
	answer->serial = 0;
	log_line(LOG_WARNING, PROGRAM, "record refused=\"%.*s\"", (int)checked->reason.len,
	    (const char *)checked->reason.ptr);
	if (!image_record_remove(flights->database, &checked->key,
	    flights->config->image_key, &why))
		log_line(LOG_ERR, PROGRAM, "error=\"%s\"", why.text);
	if (++answer->nrefusals >= IMAGE_FLIGHT_REFUSALS) {
		*answer = (struct image_answer){ .serial = 0 };
		failed(flights, &checked->key, &refused);
	} else {
		image_flights_fetch(flights, &checked->key, at);
	}
}

/* What the supervisor says */

static struct image_flight *
ticket_find(const struct image_flights *flights, uint64_t ticket)
{
	for (size_t i = 0; i < flights->n; i++)
		if (flights->flights[i]->ticket == ticket)
			return flights->flights[i];
	return NULL;
}

bool
image_flights_answer(struct image_flights *flights, const struct frame *frame,
    struct bytes payload, struct moment at, struct reason *why)
{
	struct image_flight *flight = frame->job == 0 ? NULL : ticket_find(flights, frame->job);
	struct unpacked_message unpacked;
	struct names_message names;
	struct record_message record;
	CBS in = cbs_bytes(payload);

	flights->at = at;
	switch (frame->type) {
	case FRAME_TYPE_UNPACKED:
		if (!message_unpacked_read(&unpacked, &in, why))
			return false;
		if (flight != NULL && is_loading(flight))
			unpacked_answer(flight, &unpacked);
		return true;
	case FRAME_TYPE_NAMES:
		if (!message_names_read(&names, &in, why))
			return false;
		if (flight != NULL && flight->state == IMAGE_NAMING)
			names_answer(flight, &names);
		return true;
	default:
		if (!message_record_read(&record, &in, why))
			return false;
		if (flight != NULL && is_measuring(flight))
			record_answer(flight, &record);
		return true;
	}
}

/* Time */

/* One step of one flight that can take one: false when there is none left. */
static bool
step(struct image_flights *flights)
{
	for (size_t i = 0; i < flights->n; i++) {
		struct image_flight *flight = flights->flights[i];
		const enum image_state state = flight->state;

		if (state == IMAGE_WAITS_TO_LOAD)
			load_or_wait(flight);
		else if (state == IMAGE_WAITS_TO_MEASURE)
			measure_or_wait(flight);
		else if (state == IMAGE_LOADING && flight->download != NULL)
			download_check(flight);
		/* It, and its place in the list, may be gone. */
		if (i >= flights->n || flights->flights[i] != flight || flight->state != state)
			return true;
	}
	return false;
}

void
image_flights_tick(struct image_flights *flights, struct moment at)
{
	flights->at = at;
	for (size_t i = 0; i < flights->n; i++)
		if (flights->flights[i]->download != NULL)
			download_tick(flights->flights[i]->download, at.ms);
	while (step(flights))
		continue;
}

int
image_flights_timeout_ms(const struct image_flights *flights, struct moment at)
{
	int64_t next = at.ms + MAX_IDLE_MS;

	for (size_t i = 0; i < flights->n; i++) {
		const struct image_flight *flight = flights->flights[i];
		int64_t due = NEVER;

		if (flight->download != NULL)
			due = download_due_ms(flight->download);
		else if (flight->state == IMAGE_WAITS_TO_LOAD && flights->tokens == 0)
			due = flights->token_ms + IMAGE_FLIGHT_EVERY_MS;
		if (due < next)
			next = due;
	}
	return next <= at.ms ? 0 : (int)(next - at.ms);
}

size_t
image_flights_pipes(const struct image_flights *flights,
    struct transfer_wait waits[IMAGE_FLIGHT_DOWNLOADS])
{
	size_t n = 0;

	for (size_t i = 0; i < flights->n && n < IMAGE_FLIGHT_DOWNLOADS; i++) {
		const struct download *download = flights->flights[i]->download;

		if (download != NULL && download_fd(download) != -1)
			waits[n++] = (struct transfer_wait){ .fd = download_fd(download),
			    .writing = true };
	}
	return n;
}
