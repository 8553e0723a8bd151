# proxy.ini keeps the original's meaning: raw byte prefixes of the raw target, in file order; header names without case,
# values with it, the first field of a name only; 500 where nothing matches, or where the library is not there (yet).

use lib 't/lib';
use FlexiLib::Test;

use File::Copy ();

my $folder = make_folder();
my $hello  = build_folder() . '/filters/hello.so';
my $echo   = build_folder() . '/filters/echo.so';

my $flexilib = start_flexilib(
    dir   => $folder,
    file  => 'proxy.ini',
    args  => [],
    env   => { PORT => 0, ADDRESS => '127.0.0.1', SERVER_THREAD_COUNT => 1 },
    config => <<"END");
# a comment
Host: iam /login = $hello
X-Kind: Val /kind = $hello

/he  = $hello    # and so does this
/hello = $echo
/with?a = $hello
/enc%2f = $hello
/late = late.so
END

sub ask {
    my ($target, @headers) = @_;
    my $response = request($flexilib, GET => $target, headers => \@headers);
    return $response->status == 200 ? ($response->body =~ /^Hello/ ? 'hello' : 'echo') : $response->status;
}

my @cases = (
    ['hello', '/he'],
    ['hello', '/hello'],
    ['hello', '/heX?y'],
    [500,     '/h'],
    [500,     '/HE'],
    [500,     '//he'],
    [500,     '/x/../he'],
    [500,     '/%68e'],
    ['hello', '/he/../x'],
    [500,     '/with'],
    [500,     '/with?b=1'],
    ['hello', '/with?a=1'],
    ['hello', '/enc%2fx'],
    [500,     '/enc%2Fx'],
    ['hello', '/login',  Host => 'iam'],
    ['hello', '/login2', Host => 'iam.example:80'],
    [500,     '/login',  Host => 'Iam'],
    [500,     '/login',  Host => 'am'],
    [500,     '/logout', Host => 'iam'],
    ['hello', '/kind', 'x-kind' => 'Value'],
    ['hello', '/kind', 'X-KIND' => 'Val'],
    [500,     '/kind', 'X-Kind' => 'val'],
    [500,     '/kind', 'X-Kind' => 'Va'],
    ['hello', '/kind', 'X-Kind' => 'Val', 'X-Kind' => 'other'],
    [500,     '/kind', 'X-Kind' => 'other', 'X-Kind' => 'Val'],
    [500,     '/kind'],
    [500,     '/'],
    [500,     '/late'],
);
for my $case (@cases) {
    my ($expected, $target, @headers) = @$case;
    is(ask($target, @headers), $expected, "$expected: $target @headers");
}

like(
    $flexilib->log,
    qr/warning: proxy\.ini:9:9: library 'late\.so' is missing: its route answers 500 until it appears$/m,
    'the missing library is warned of'
);

File::Copy::copy($hello, "$folder/late.new") or die "cannot copy: $!";
rename "$folder/late.new", "$folder/late.so" or die "cannot rename: $!";
$flexilib->wait_log(qr/generation 2 is serving/);
is(ask('/late'), 'hello', 'the library answers once it has appeared');
is(ask('/he'),   'hello', 'and so do the others');

done_testing;
