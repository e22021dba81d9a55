/*
 * unpacker_sandbox.h - what an unpacker may do
 */
#ifndef WORKERS_UNPACKER_SANDBOX_H
#define WORKERS_UNPACKER_SANDBOX_H

#include "core/reason.h"

/* From here on nothing but writing beneath `directory`.  INTERNAL. */
bool    unpacker_sandbox(int directory, struct reason *why) MUST_CHECK;

#endif
