# What libraries print comes out on the console line by line, with the time and the worker's pid in front.

use lib 't/lib';
use FlexiLib::Test;

my $print = test_library('print');
my $flexilib = start_flexilib(config => <<"END");
listen: 127.0.0.1:0
workers: 1
libraries: { print: $print }
routes:
  - { match: /, filters: [print], handler: hello }
END

my ($pid) = $flexilib->worker_pids;
my $prefix = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[$pid\] /;
is(request($flexilib, GET => '/a-path')->status, 200, 'it serves');
like($flexilib->wait_log(qr/request for/), qr/^${prefix}print: request for \/a-path$/, 'standard output, without being flushed');
like($flexilib->log, qr/^${prefix}print: created$/m, 'what was printed before serving too');
request($flexilib, GET => '/another');
like($flexilib->wait_log(qr/request for/), qr/^${prefix}print: request for \/another$/, 'each line by itself');
like($flexilib->log, qr/^${prefix}print: status 200$/m, 'standard error');
$flexilib->stop;
like($flexilib->log, qr/^${prefix}print: destroyed$/m, 'the last words as well');

done_testing;
