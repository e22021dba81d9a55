/*
 * measurer_sandbox.h - what a measurer may do
 */
#ifndef WORKERS_MEASURER_SANDBOX_H
#define WORKERS_MEASURER_SANDBOX_H

#include "core/reason.h"

/* From here on nothing but to read what it is given, and its socket.  INTERNAL. */
bool    measurer_sandbox(struct reason *why) MUST_CHECK;

#endif
