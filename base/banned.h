/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Functions this tree does not call; the reason stands beside each. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#pragma GCC poison strcpy strcat sprintf vsprintf strncpy strncat
#pragma GCC poison strtok gets atoi atol atoll atof
#pragma GCC poison system popen
#pragma GCC poison sleep usleep nanosleep
#pragma GCC poison rand srand random
#pragma GCC poison localtime gmtime ctime asctime

#endif
