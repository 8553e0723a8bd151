# The Dockerfile stands on this tree: what it copies is there, the lists it installs are, and the programs of its last
# image come with FlexiLib's own installation.

use lib 't/lib';
use FlexiLib::Test;

my $root = root_folder();
my $file = read_file("$root/Dockerfile") =~ s/\\\n//gr;

my @stages = $file =~ /^FROM (\S+)/mg;
is_deeply(\@stages, [('debian:bookworm-slim') x 2], 'it builds on Debian 12 and ends on Debian 12');

my @copies = map { [split] } $file =~ /^COPY (?!--from)(.*)$/mg;
ok(scalar @copies, 'it copies from the tree');
for my $copy (@copies) {
    my (undef, @sources) = reverse @$copy;
    ok(-e "$root/$_", "$_ is there to be copied") for @sources;
}

my %lists = map { m{/(\w+)\.packages$} ? ($1 => 1) : () } glob "$root/deps/*.packages";
for my $names ($file =~ m{/deps/install((?: \w+)+)}g) {
    ok($lists{$_}, "deps/$_.packages is there to be installed") for split ' ', $names;
}
unlike($file, qr/apt-get install/, 'packages are named in deps/ only');

my ($user) = $file =~ /^USER (\S+)$/m;
ok(defined $user && $user ne 'root' && $file =~ /\buseradd .*\b$user\b/, 'it runs as a user of its own');
like($file, qr/^HEALTHCHECK .*"flexilib", "healthcheck"/m, 'its health is asked of FlexiLib');

my $installed = make_folder();
my $result    = run_command(['cmake', '--install', build_folder(), '--prefix', '/usr'], env => { DESTDIR => $installed });
is($result->{status}, 0, 'the build can be installed') or diag(@$result{qw(out err)});
ok(-x "$installed/usr/bin/flexilib", 'the program is part of it');
my @filters = glob "$installed/usr/lib/*/flexilib/*.so $installed/usr/lib/flexilib/*.so";
cmp_ok(scalar @filters, '>=', 3, 'and so are the bundled filters');

need('objdump');
my @packages = sort grep { $_ ne 'ca-certificates' } map { s/#.*//r =~ /(\S+)/ ? $1 : () } split /\n/, read_file("$root/deps/run.packages");
my $needed   = run_command(['objdump', '-p', build_folder() . '/flexilib', glob build_folder() . '/filters/*.so'])->{out};
my %package  = (
    'libh2o-evloop.so.0.13' => 'libh2o-evloop0.13', 'libyaml-0.so.2'  => 'libyaml-0-2', 'libcares.so.2'      => 'libc-ares2',
    'libnghttp2.so.14'      => 'libnghttp2-14',     'libssl.so.3'     => 'libssl3',     'libbrotlienc.so.1'  => 'libbrotli1',
    'libz.so.1'             => 'zlib1g',            'libzstd.so.1'    => 'libzstd1',     'libjansson.so.4'    => 'libjansson4',
    'libpcre2-8.so.0'       => 'libpcre2-8-0',      'libbrotlidec.so.1' => 'libbrotli1',
    'libdw.so.1'            => 'libdw1',
);
my %needed   = map { ($_ => 1) } grep { !/^lib(?:crypto|m|c|dl|pthread|asan|ubsan)\.so/ } $needed =~ /^\s*NEEDED\s+(lib\S*)$/mg;
# What is loaded only when a crash is looked at is linked with nothing.
$needed{'libdw.so.1'} = 1 if index(read_file(build_folder() . '/flexilib'), "libdw.so.1\0") >= 0;
my %named = map { ($package{$_} // $_ => 1) } keys %needed;
is(join(' ', sort keys %named), join(' ', @packages), 'deps/run.packages are the libraries that it and its filters use');

done_testing;
