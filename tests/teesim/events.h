/*
 * events.h - events of a guest: what is hashed, how registers grow, the log as JSON
 */
#ifndef TESTS_TEESIM_EVENTS_H
#define TESTS_TEESIM_EVENTS_H

#include "build.h"
#include "evidence/event_log.h"

/* A runtime event without digest. */
struct event events_runtime(unsigned version, const char *name, struct bytes payload);

/* The bytes that are hashed, and their SHA-384. */
struct bytes events_preimage(const struct event *event);
struct bytes events_digest(const struct event *event);

/* SHA-384 of all parts, one behind the other. */
struct bytes events_sha384(const struct bytes *parts, size_t n);

/* A register of 48 bytes after one more digest. */
void    events_extend(uint8_t reg[EVENT_DIGEST_LEN], struct bytes digest);

/* RTMR3 after these runtime events, by name and payload. */
void    events_replay(uint8_t reg[EVENT_DIGEST_LEN], const struct event_list *runtime);

/* The log as a guest's GetQuote answers it. */
struct bytes events_json(const struct event_list *log);

#endif
