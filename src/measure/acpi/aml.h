/*
 * aml.h - writing AML, the byte code of ACPI
 *
 * A piece of AML is an array of terms, in the order of their bytes; the macros of asl.h
 * spell such arrays the way ACPI source code (ASL) reads.  What contains other things
 * (Scope, Method, If, Package, ...) is a term that begins it, its content, and AML_END,
 * which puts the length in.  Content that depends on a loop is written between a beginning
 * and an end given in separate calls.
 *
 *      source  ACPI 6.4, chapter 20; spec acpi-tables 4
 */
#ifndef MEASURE_ACPI_AML_H
#define MEASURE_ACPI_AML_H

#include "measure/acpi/bytebuf.h"

enum {
	AML_MAX_DEPTH = 16,             /* the deepest of ours is 9                */
};

enum aml_kind {
	AML_OP,         /* value as an opcode: one byte, or two that begin with 5B */
	AML_U8,         /* value as it is: flags, resource descriptors             */
	AML_U16,
	AML_U32,
	AML_U64,
	AML_INT,        /* value as an integer constant, in its shortest form      */
	AML_TEXT,       /* text as a string constant                               */
	AML_NAME,       /* text as a NameString: "_HID", "\\_SB.PCI0", "^S08.PCNT" */
	AML_EISA,       /* text as a compressed identifier: "PNP0A08"              */
	AML_UUID,       /* text as a buffer: "33DB4D5B-1FF7-401C-9657-7441C03DD766" */
	AML_BITS,       /* value as a field element's width                        */
	AML_BEGIN,      /* value: opcode of something that has a length            */
	AML_BEGIN_BUFFER,
	AML_END,
	AML_BEGIN_ONLY, /* what follows is written only if value is not 0          */
	AML_END_ONLY,
};

struct aml_term {
	enum aml_kind kind;
	uint64_t value;
	const char *text;
};

struct aml {
	struct bytebuf *out;
	unsigned depth;                 /* begun and not ended                     */
	unsigned skip;                  /* begun conditions, from the first false  */
	struct {
		size_t  at;             /* where the length goes                   */
		bool    buffer;
	} begun[AML_MAX_DEPTH];
};

/* Appends n terms.  An end without a beginning, or too deep a nesting, is our own bug. */
void    aml_put(struct aml *a, const struct aml_term *terms, size_t n);

#endif
