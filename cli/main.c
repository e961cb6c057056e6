/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ironbench command. All of it is in libcli.a, so that tests can link it.
 */
#include "cli/cli.h"

int main(int argc, char **argv)
{
	return cli_main(argc, argv);
}
