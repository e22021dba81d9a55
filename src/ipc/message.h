/*
 * message.h - the payloads of frames
 *
 * Built with CBB, taken apart with CBS; a struct is never sent as it lies in memory.  Every
 * _read drains its cursor: trailing bytes are refused.  Spans that a _read gives point into
 * the payload.
 */
#ifndef IPC_MESSAGE_H
#define IPC_MESSAGE_H

#include "core/arena.h"
#include "core/bytes.h"
#include "core/reason.h"
#include "dstack-verifier/facts.h"
#include "dstack-verifier/verify.h"

#define MESSAGE_MAX_REFUSAL_LEN 512     /* of the text of a failure                     */
#define MESSAGE_MAX_FAILURES    8       /* per job: collateral items and one image      */

/* The name of a fact.  Reading refuses a type, TEE or CA that does not exist, and members
 * that the type does not have: two equal keys are equal bytes on the wire, too. */
bool    message_key_read(struct dv_key *key, CBS *in, struct reason *why) MUST_CHECK;
bool    message_key_write(CBB *out, const struct dv_key *key) MUST_CHECK;

enum job_kind {
	JOB_VERIFY = 1,         /* body: the JSON of POST /verify                       */
	JOB_QUOTE,              /* body: a quote, raw bytes                             */
	JOB_FAULT,              /* body: why there is no request, as text; one-shot     */
};

/* JOB: this head, then the body to the end of the payload. */
struct job_head {
	enum job_kind kind;
	bool    full_reason;    /* one-shot: internal errors with their chain           */
	bool    summary;        /* the summary for people is wanted                     */
	size_t  nfailures;
	struct dv_failure failures[MESSAGE_MAX_FAILURES];
};

bool    message_job_read(struct job_head *head, struct bytes *body, CBS *in,
    struct reason *why) MUST_CHECK;
bool    message_job_write(CBB *out, const struct job_head *head) MUST_CHECK;

/* VERDICT: this head, then the text to the end: the response object (status 200), else the
 * sentence that says what is wrong with the request. */
struct verdict_head {
	unsigned http_status;   /* 200, 400, 422                                        */
	bool    valid;
	bool    retryable;
	bool    unavailable;
	enum dv_stage stage;
	uint32_t public_key_operations;
	struct bytes summary;   /* empty unless asked for                               */
};

bool    message_verdict_read(struct verdict_head *head, struct bytes *text, CBS *in,
    struct reason *why) MUST_CHECK;
bool    message_verdict_write(CBB *out, const struct verdict_head *head) MUST_CHECK;

/* NEED: the keys that a job waits for, 1 to DV_NEEDS_MAX. */
bool    message_need_read(struct dv_key keys[DV_NEEDS_MAX], size_t *n, CBS *in,
    struct reason *why) MUST_CHECK;
bool    message_need_write(CBB *out, const struct dv_key *keys, size_t n) MUST_CHECK;

/* FOUND and FACT: what the fetcher has for a key.  Each FETCH is answered once, by FOUND without
 * `refresh` or by FAILED, and once more whenever the word on an answer is a refusal.  A
 * candidate waits for a worker's word (CHECKED) before it replaces what is stored; a stored item
 * was accepted before.  A stale one is past its maximum age, and could not be fetched again: a
 * worker that has it would ask for it once more, so its jobs go on as if the key had failed, and
 * find it all the same. */
struct fact_message {
	struct dv_key key;
	uint64_t serial;        /* the fetcher's, of this answer                        */
	bool    candidate;
	bool    refresh;        /* nobody asked: fetched ahead of its end               */
	bool    stale;          /* jobs go on with it and with a failure of its key     */
	struct dv_fact fact;
};

bool    message_fact_read(struct fact_message *fact, CBS *in, struct reason *why) MUST_CHECK;
bool    message_fact_write(CBB *out, const struct fact_message *fact) MUST_CHECK;

/* CHECKED: a worker's word on a fact, which the acceptor passes on to the fetcher. */
struct checked_message {
	struct dv_key key;
	bool    accepted;
	uint64_t serial;        /* of the FOUND that is meant                           */
	struct dv_dates dates;  /* when accepted                                        */
	struct bytes reason;    /* when not: for the log                                */
};

bool    message_checked_read(struct checked_message *checked, CBS *in,
    struct reason *why) MUST_CHECK;
bool    message_checked_write(CBB *out, const struct checked_message *checked) MUST_CHECK;

/* FAILED: a key could not be had; FETCH: a key alone (message_key_*). */
bool    message_failed_read(struct dv_failure *failure, CBS *in, struct reason *why) MUST_CHECK;
bool    message_failed_write(CBB *out, const struct dv_failure *failure) MUST_CHECK;

/* CONFIG for a worker.  Strings and lists are copied into the arena when read. */
struct worker_config {
	struct dv_options options;
	uint32_t npins;         /* PIN frames that follow: offline collateral, JSON each */
};

bool    message_worker_config_read(struct worker_config *config, struct arena *arena, CBS *in,
    struct reason *why) MUST_CHECK;
bool    message_worker_config_write(CBB *out, const struct worker_config *config) MUST_CHECK;

/* CONFIG for the acceptor: keys of the configuration of the same names; seconds, bytes, counts. */
struct acceptor_config {
	uint64_t max_body_bytes, max_connections;
	uint64_t queue_max_jobs, parked_max_jobs, parked_max_bytes;
	uint32_t keep_alive_secs, header_timeout_secs, body_timeout_secs, write_timeout_secs;
	uint32_t request_deadline_secs, image_download_timeout_secs, drain_deadline_secs;
	unsigned unavailable_status;    /* 200 or 503                                   */
	bool    strict_http;
	uint8_t log_level;              /* 0 error, 1 warn, 2 info, 3 debug             */
};

bool    message_acceptor_config_read(struct acceptor_config *config, CBS *in,
    struct reason *why) MUST_CHECK;
bool    message_acceptor_config_write(CBB *out, const struct acceptor_config *config) MUST_CHECK;

/* CONFIG for the fetcher. */
struct fetcher_config {
	struct dv_list pccs_urls;       /* attestation.urls.pccs, in order              */
	const char *cache_dir;          /* image_cache_dir; "": nothing is kept         */
	int64_t collateral_max_cache_age_secs, root_crl_max_cache_age_secs;
	int64_t serve_stale_max_secs;
	bool    pinned_at;              /* validity is judged at `at`, ages by the clock */
	int64_t at;
	const char *image_download_url;         /* with {OS_IMAGE_HASH}                 */
	uint32_t image_download_timeout_secs;
	uint64_t image_cache_max_bytes;
	uint32_t max_measurers;         /* at once                                      */
	bool    has_image_key;          /* records under it are kept; else none are     */
	uint8_t image_key[32];          /* Ed25519 public key                           */
	bool    progress;               /* PROGRESS is wanted                           */
	uint8_t log_level;
};

bool    message_fetcher_config_read(struct fetcher_config *config, struct arena *arena, CBS *in,
    struct reason *why) MUST_CHECK;
bool    message_fetcher_config_write(CBB *out, const struct fetcher_config *config) MUST_CHECK;

/* WORKER and STUCK: which of the supervisor's workers.  With WORKER come its ready-made answers. */
struct worker_message {
	uint32_t slot;
	struct bytes deadline, internal;        /* see struct ready_message             */
};

bool    message_worker_read(struct worker_message *worker, CBS *in, struct reason *why) MUST_CHECK;
bool    message_worker_write(CBB *out, const struct worker_message *worker) MUST_CHECK;
bool    message_stuck_read(uint32_t *slot, CBS *in, struct reason *why) MUST_CHECK;
bool    message_stuck_write(CBB *out, uint32_t slot) MUST_CHECK;

/* UNPACKED: the archive is unpacked, or why not.  UNPACK is the os_image_hash; its descriptors are
 * what the archive is read from and the directory that its files go to. */
struct unpacked_message {
	bool    ok;
	bool    refused;        /* when not: by what the archive holds; it stays so     */
	uint64_t nbytes;        /* when ok: of the files that are there now             */
	struct bytes reason;    /* when not                                             */
};

bool    message_unpacked_read(struct unpacked_message *unpacked, CBS *in,
    struct reason *why) MUST_CHECK;
bool    message_unpacked_write(CBB *out, const struct unpacked_message *unpacked) MUST_CHECK;

/* NAMES: how the files of an image are called, from a metadata.json whose hash was right.  PAPERS
 * is the os_image_hash, or nothing for whatever image sha256sum.txt is of; MEASURE a key alone, of
 * an image or a kernel (message_key_*); SHAPE a VM configuration's JSON. */
struct names_message {
	struct bytes firmware, kernel, initrd;
};

bool    message_names_read(struct names_message *names, CBS *in, struct reason *why) MUST_CHECK;
bool    message_names_write(CBB *out, const struct names_message *names) MUST_CHECK;

/* RECORD: what was asked to be measured, to the fetcher with its signature in front, or why it
 * could not be: that answers PAPERS, too. */
struct record_message {
	bool    ok;
	bool    refused;        /* when not: by what the files hold; it stays so        */
	struct bytes payload;   /* when ok                                              */
	struct bytes reason;    /* when not                                             */
};

bool    message_record_read(struct record_message *record, CBS *in, struct reason *why) MUST_CHECK;
bool    message_record_write(CBB *out, const struct record_message *record) MUST_CHECK;

/* REGISTERS: for standard output, and for a person. */
struct registers_message {
	struct bytes json, text;
};

bool    message_registers_read(struct registers_message *registers, CBS *in,
    struct reason *why) MUST_CHECK;
bool    message_registers_write(CBB *out, const struct registers_message *registers) MUST_CHECK;

enum images_operation {
	IMAGES_LIST = 1,
	IMAGES_FETCH,
	IMAGES_VERIFY,
	IMAGES_PIN,
	IMAGES_UNPIN,
	IMAGES_EVICT,
};

/* IMAGES: what an operator asks of the store. */
struct images_message {
	enum images_operation operation;
	bool    has_hash;               /* else all of them, where that makes sense     */
	uint8_t hash[32];
};

bool    message_images_read(struct images_message *images, CBS *in, struct reason *why) MUST_CHECK;
bool    message_images_write(CBB *out, const struct images_message *images) MUST_CHECK;

/* IMAGES_DONE: how that went; json for standard output, text for a person. */
struct images_done_message {
	bool    ok;
	struct bytes json, text;
};

bool    message_images_done_read(struct images_done_message *done, CBS *in,
    struct reason *why) MUST_CHECK;
bool    message_images_done_write(CBB *out, const struct images_done_message *done) MUST_CHECK;

/* PROGRESS: of a download, in bytes as they are transferred. */
struct progress_message {
	uint8_t hash[32];
	uint64_t received, total;       /* total 0: not known                           */
};

bool    message_progress_read(struct progress_message *progress, CBS *in,
    struct reason *why) MUST_CHECK;
bool    message_progress_write(CBB *out, const struct progress_message *progress) MUST_CHECK;

/* READY: a child has taken its configuration, or says why it cannot. */
struct ready_message {
	bool    ok;
	uint32_t pin;           /* when not ok: which PIN, from 1; 0: the configuration */
	struct bytes reason;    /* when not ok                                          */
	struct bytes deadline;  /* a worker's: the answer to a request whose time is over */
	struct bytes internal;  /* and the one to a request that could not be judged    */
};

bool    message_ready_read(struct ready_message *ready, CBS *in, struct reason *why) MUST_CHECK;
bool    message_ready_write(CBB *out, const struct ready_message *ready) MUST_CHECK;

#endif
