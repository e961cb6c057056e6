# SPDX-License-Identifier: GPL-3.0-or-later
# The pages.  A release carries them built (dist/); a tree without that builds
# them with node below the build folder, where npm puts its packages, too.

ui_pages = \
	%D%/dist/app.css \
	%D%/dist/app.js \
	%D%/dist/favicon.svg \
	%D%/dist/index.html
EXTRA_DIST += \
	$(ui_pages) \
	%D%/build.mjs \
	%D%/package-lock.json \
	%D%/package.json \
	%D%/src \
	%D%/test \
	%D%/tsconfig.json

if BUILD_UI
ui_sources = $(srcdir)/%D%/build.mjs $(srcdir)/%D%/tsconfig.json \
	$(shell find '$(srcdir)/%D%/src' -type f)

# npm works where its two files are; in the source folder they are there.
%D%/npm.stamp: $(srcdir)/%D%/package.json $(srcdir)/%D%/package-lock.json
	$(AM_V_GEN)$(MKDIR_P) %D% && \
	for f in package.json package-lock.json; do \
		test '$(srcdir)' = . || cp -f $(srcdir)/%D%/$$f %D% || exit; \
	done && \
	(cd %D% && $(NPM) ci --include=dev --ignore-scripts --no-audit \
		--no-fund --loglevel=error >&2) && \
	touch $@

# One stamp for all pages: they are written together, also by make -j.  It is
# older than they are, or they would never be up to date.
%D%/dist.stamp: %D%/npm.stamp $(ui_sources)
	$(AM_V_GEN)rm -rf %D%/dist && touch $@.tmp && \
	(cd %D% && \
	$(NODE) '$(abs_top_srcdir)/%D%/build.mjs' '$(abs_top_builddir)/%D%/dist') && \
	mv $@.tmp $@
$(ui_pages): %D%/dist.stamp
	@test -f $@ || { rm -f %D%/dist.stamp; \
		$(MAKE) $(AM_MAKEFLAGS) %D%/dist.stamp; }

CLEANFILES += $(ui_pages) %D%/dist.stamp %D%/dist.stamp.tmp
DISTCLEANFILES = %D%/npm.stamp
distclean-local:
	rm -rf %D%/node_modules
	test '$(srcdir)' = . || \
		rm -f %D%/package.json %D%/package-lock.json
	-rmdir %D%/dist 2>/dev/null
endif
