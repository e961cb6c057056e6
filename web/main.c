/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The web process: it lives as long as the link to the daemon. Signals that
 * end a whole group are ignored, so that requests are answered for as long as
 * the daemon goes on.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/hash.h"
#include "base/log.h"
#include "web/assets.h"
#include "web/http.h"
#include "web/routes.h"
#include "web/series_changes.h"

static void reader_done(void *reader)
{
	db_reader_close(reader);
}

static void process_setup(void)
{
	static const int ignored[] = {SIGPIPE, SIGTERM, SIGINT, SIGHUP};
	struct rlimit files;

	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		(void)signal(ignored[i], SIG_IGN); /* valid numbers */
	/* The end of the link says the same, a moment later. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		/* With fewer there are fewer connections, no more. */
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}

static void on_event(void *arg, const char *header, size_t len)
{
	struct web *web = arg;

	events_add(web->events, header, len);
}

static void on_beat(void *arg)
{
	struct web *web = arg;

	events_beat(web->events);
}

static int serve(struct web *web, struct listener *api, struct listener *boot,
    struct err *err)
{
	const struct web_options *o = web->opts;
	int r = 0;

	if (o->listen_fd >= 0)
		r = listener_start(api, o->listen_fd, LISTENER_API, err);
	if (r == 0 && o->boot_listen_fd >= 0)
		r = listener_start(boot, o->boot_listen_fd, LISTENER_BOOT, err);
	return r < 0 ? r : link_wait(web->link, err);
}

static int run(struct web *web, struct err *err)
{
	struct link_options link = {.fd = web->opts->link_fd,
	    .on_event = on_event,
	    .on_beat = on_beat,
	    .arg = web};
	struct listener api = {.web = web,
	    .routes = api_routes,
	    .n_routes = n_api_routes,
	    .pages = page_routes,
	    .n_pages = n_page_routes,
	    .reads = web->opts->public_reads ? READS_PUBLIC
	        : web->opts->loopback        ? READS_LOOPBACK
	                                     : READS_TOKEN};
	struct listener boot = {
	    .web = web, .routes = boot_routes, .n_routes = n_boot_routes};
	int r = link_new(&link, &web->link, err);

	if (r < 0)
		return r;
	r = serve(web, &api, &boot, err);
	/* In this order nothing is suspended when the listeners stop. */
	link_stop(web->link);
	events_close(web->events);
	listener_stop(&api);
	listener_stop(&boot);
	link_free(web->link);
	return r;
}

int web_main(const struct web_options *opts)
{
	struct web web = {.opts = opts};
	struct err err = ERR_INIT;
	int r;

	process_setup();
	hash_init();
	assets_init();
	r = pthread_key_create(&web.reader_key, reader_done);
	if (r) {
		log_error("web thread key: %d", r);
		return 1;
	}
	web.events = events_new();
	web.filter = db_filter_new();
	web.watch = series_watch_new();
	throttle_init(&web.throttle);
	r = run(&web, &err);
	if (r < 0)
		log_error("web %s", err.msg);
	events_free(web.events);
	throttle_done(&web.throttle);
	(void)pthread_key_delete(web.reader_key);
	db_filter_free(web.filter);
	series_watch_free(web.watch);
	return r < 0 ? 1 : 0;
}
