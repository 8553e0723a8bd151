# Whoever removes the supervisor's folder of snapshots does not stop it from reloading; if it cannot be made again, that
# is said at once.

use lib 't/lib';
use FlexiLib::Test;

my $runtime  = make_folder();
my $flexilib = start_flexilib(env => { FLEXILIB_RUNTIME_DIR => $runtime }, config => <<'END');
listen: 127.0.0.1:0
workers: 1
routes:
  - { match: /, handler: hello }
END

my ($folder) = glob "$runtime/flexilib-*";
File::Path::remove_tree($folder);
$flexilib->reload;
$flexilib->wait_serving(2);
ok(-d "$folder/2", 'the folder is made again');
is(request($flexilib, GET => '/')->status, 200, 'and a generation serves from it');

File::Path::remove_tree($runtime);
$flexilib->reload;
like(
    $flexilib->wait_log(qr/generation 3/),
    qr/error: generation 3 failed: cannot make a folder for its snapshot: No such file or directory; generation 2 goes on serving$/,
    'a generation that cannot even begin is reported'
);
is(request($flexilib, GET => '/')->status, 200, 'the other one serves');

done_testing;
