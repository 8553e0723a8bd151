# A library in Go owns an address: it goes from one generation to the next, and back where the next one fails.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Sdk;

need_sdk('go');
my $library = sdk_library('go', 't/conformance/go/owner');
my $port    = free_port();

sub config {
    my ($name, $workers) = @_;
    return <<"END";
listen: 127.0.0.1:0
workers: $workers
routes:
  - { match: /, name: $name, handler: { use: $library, options: { address: "127.0.0.1:$port" } } }
END
}

my $flexilib = start_flexilib(config => config('one', 1));
my $load = start_load($flexilib, connections => 4, expect => qr/\A(?:owns|quiet)\n\z/);
$load->wait_running;
for my $generation (2, 3) {
    $flexilib->write_file('flexilib.yaml', config("number-$generation", 1));
    $flexilib->reload;
    $flexilib->wait_serving($generation);
    is(request($flexilib, GET => '/')->body, "owns\n", "generation $generation has what the one before had");
}
$flexilib->write_file('flexilib.yaml', config('two', 2));
$flexilib->reload;
$flexilib->wait_log(qr/generation 4 failed: .*address already in use; generation 3 goes on serving/);
is(request($flexilib, GET => '/')->body, "owns\n", 'two workers cannot both have it, and it goes back');
is_deeply($load->stop->{failures}, [], 'no request failed');

done_testing;
