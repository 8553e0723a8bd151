# In an emergency everything but filters runs: no library is loaded, and what only a library could answer is 503.

use lib 't/lib';
use FlexiLib::Test;

my $crash  = test_library('crash');
my $config = <<"END";
listen: 127.0.0.1:0
libraries: { gone: $crash, crash: $crash }
filters: [{ crash: { hook: create } }, no-such-filter]
routes:
  - { match: /handler, handler: gone }
  - { match: /path, handler: nothing }
  - match: /page
    filters: [gone]
    routes:
      - { match: /, skip: [no-such-filter], respond: { body: "a page" } }
END
my $folder   = make_folder();
my $flexilib = start_flexilib(config => $config, args => ['--no-filters'], env => { FLEXILIB_RUNTIME_DIR => $folder });
like($flexilib->log, qr/warning: no filters run, those that protect something included, as --no-filters says; handlers answer 503$/m,
    'the log says that no filters run');
is(request($flexilib, GET => '/page')->body, 'a page', 'what needs no library is served');
is(request($flexilib, GET => $_)->status, 503, "a handler is out of service: $_") for qw(/handler /path);
is(request($flexilib, GET => '/')->status, 404, 'nothing is nothing still');
my $status = run_command([build_folder() . '/flexilib', 'status', '-c', $flexilib->dir . '/flexilib.yaml'], env => { FLEXILIB_RUNTIME_DIR => $folder });
like($status->{out}, qr/\AFlexiLib .* without any filters \(--no-filters\)$/m, 'the status says so for as long as it is so');
$flexilib->reload;
$flexilib->wait_serving(2);
is(request($flexilib, GET => '/handler')->status, 503, 'a reload changes nothing about it');

my $ini = start_flexilib(
    file   => 'proxy.ini',
    config => "/ = $crash\n",
    args   => ['--no-filters'],
    env    => { PORT => 0, ADDRESS => '127.0.0.1' },
);
is(request($ini, GET => '/')->status, 503, 'nor are libraries of proxy.ini loaded');

my $checked = run_flexilib(['check', '--no-filters', '-c', 'flexilib.yaml'], config => $config);
like($checked->{err}, qr/^flexilib: --no-filters is for serving only$/m, 'a check checks filters');
done_testing;
