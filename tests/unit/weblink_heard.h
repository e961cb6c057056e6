/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the web process would hear, in place of the link to it: for programs
 * that are linked with --wrap=weblink_answer_json,
 * --wrap=weblink_answer_error and --wrap=weblink_event.
 */
#ifndef TESTS_UNIT_WEBLINK_HEARD_H
#define TESTS_UNIT_WEBLINK_HEARD_H

struct heard {
	int answers; /* how many there were */
	int status;  /* of the last one */
	char text[1000];
};
extern struct heard heard;

#endif
