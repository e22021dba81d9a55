/*
 * measure_command.h - the command measure: what an image measures to in one VM
 */
#ifndef CLI_MEASURE_COMMAND_H
#define CLI_MEASURE_COMMAND_H

#include "cli/options.h"

/*
 * measure_command - have a measurer look at the files of a directory, and print what it says
 *
 *   gives   the exit status: 0 printed, 1 the image or the shape is refused, 2 a file that cannot
 *           be read
 */
int     measure_command(const struct options *options);

#endif
