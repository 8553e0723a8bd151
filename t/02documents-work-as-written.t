# Every command and every piece of code in the documents works as it is written. A comment before a block says how it is
# tried, in a folder that each document has for itself, with build/, conf/ and filters/ in it as in the tree:
#
#   <!-- test: file NAME -->   it is the content of a file for the blocks that follow
#   <!-- test: check -->       it is a configuration that passes `flexilib check`
#   <!-- test: run -->         it is a script that ends with status 0
#   <!-- test: serve -->       it is a command that serves; the blocks that follow may ask it
#   <!-- test: ask -->         it is a script of curl commands that succeed
#   <!-- test: answer -->      it is what the last such script, or run, printed
#   <!-- test: dev -->         it is a list of ./dev commands, and ./dev knows each
#   <!-- test: no, REASON -->  it cannot be tried

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Sdk;

need('curl', 'cc');
my $root      = root_folder();
my @documents = grep { -f } "$root/README.md", "$root/src/README.md", "$root/filters/README.md",
    sort glob "$root/filters/*/README.md $root/doc/*.md";

# The manual of the SDKs needs their compilers; Go's builds much for the first time, which takes longer than a test waits.
my $sdk_manual = "$root/filters/sdk/README.md";
if (my ($missing) = grep { !sdk_compiler($_) } qw(cpp rust go)) {
    die "the compiler for $missing is missing\n" if $ENV{CI};
    diag("the compiler for $missing is missing: $sdk_manual is not tried");
    @documents = grep { $_ ne $sdk_manual } @documents;
} else {
    $ENV{GOCACHE} = sdk_go_cache();
    sdk_example('go', 'answer');
}

my %try = (
    file   => \&write_named,
    check  => \&check,
    run    => \&run,
    serve  => \&serve,
    ask    => \&ask,
    answer => \&compare,
    dev    => \&know,
    no     => sub { },
);

for my $path (@documents) {
    my $name   = $path =~ s{^\Q$root\E/}{}r;
    my $folder = make_folder();
    symlink "$root/$_",     "$folder/$_"     or die "symlink: $!" for qw(conf filters src);
    symlink build_folder(), "$folder/build" or die "symlink: $!";
    my $state = { name => $name, folder => $folder };
    my $text  = read_file($path);
    while ($text =~ /^(?:<!-- test: (\w+)(?:,? ([^\n]*?))? -->\n)?```(\w*)\n(.*?)^```$/msg) {
        my ($how, $argument, $language, $block) = ($1, $2, $3, $4);
        next if !defined $how && $language eq '' || !defined $how && $language eq 'text';
        my $line  = 1 + (substr($text, 0, $-[4]) =~ tr/\n//);
        my $claim = "$name:$line ($language)";
        my $try   = defined $how ? $try{$how} : undef;
        if ($try) {
            $try->($state, "$claim, $how", $block, $argument);
        } else {
            fail("$claim is marked with how it is tried");
        }
    }
    check_links($state, $text);
    $state->{server}->stop if $state->{server};
}

done_testing;

sub write_named {
    my ($state, $claim, $block, $name) = @_;
    write_file("$state->{folder}/$name", $block);
    return;
}

sub check {
    my ($state, $claim, $block) = @_;
    write_file("$state->{folder}/check.yaml", $block);
    my $result = run_command(["$state->{folder}/build/flexilib", 'check', '-c', 'check.yaml'], dir => $state->{folder});
    is($result->{status}, 0, $claim) or diag(@$result{qw(out err)});
    return;
}

# It may compile something, which takes its time on a busy machine.
sub run {
    my ($state, $claim, $block) = @_;
    local $ENV{FLEXILIB_TEST_TIMEOUT} = 4 * ($ENV{FLEXILIB_TEST_TIMEOUT} // 20);
    my $result = run_command(['sh', '-euc', $block], dir => $state->{folder});
    is($result->{status}, 0, $claim) or diag(@$result{qw(out err)});
    $state->{out} = $result->{out};
    return;
}

sub serve {
    my ($state, $claim, $block) = @_;
    my ($environment, $program, @arguments) = $block =~ /^((?:\w+=\S* )*)(\S+)((?: \S+)*)\n\z/ ? ($1, $2, split ' ', $3) : ();
    if (($program // '') !~ m{^(?:build/)?flexilib$}) {
        return fail("$claim: is one command that starts flexilib");
    }
    $state->{server}->stop if $state->{server};
    $state->{port}   = free_port();
    $state->{server} = start_flexilib(
        dir  => $state->{folder},
        args => \@arguments,
        env  => { PORT => $state->{port}, DEMO_BACKEND_PORT => free_port(), SERVER_THREAD_COUNT => 1 },
    );
    return pass($claim);
}

sub ask {
    my ($state, $claim, $block) = @_;
    return fail("$claim: something serves") if !$state->{port};
    my $script = "curl() { command curl --silent --show-error --noproxy '*' \"\$@\"; }\n" . $block =~ s/\b8069\b/$state->{port}/gr;
    return run($state, $claim, $script);
}

sub compare {
    my ($state, $claim, $block) = @_;
    my $out = ($state->{out} // '') =~ s/\r//gr;
    $out =~ s/\b$state->{port}\b/8069/g if $state->{port};
    return is($out, $block, $claim);
}

sub know {
    my ($state, $claim, $block) = @_;
    my $usage = run_command(["$root/dev"])->{out};
    for my $line (split /\n/, $block) {
        my ($command) = $line =~ m{^(?:PORT=\d+ )?\./dev(?: (\w+)(?: [^#]*)?)?\s*(?:#.*)?$};
        ok(defined $command && $usage =~ /^  $command\b/m || $line =~ m{^\./dev\s*(?:#.*)?$}, "$claim: $line");
    }
    return;
}

# The anchors of a document's headings, as the usual renderers make them.
sub anchors {
    my ($text) = @_;
    return map { lc(s/[^\w -]//gr) =~ tr/ /-/r } $text =~ /^#+ (.*)$/mg;
}

sub leads_somewhere {
    my ($link, $path) = @_;
    my ($file, $anchor) = split /#/, $link, 2;
    my $target = $file eq '' ? $path : $path =~ s{[^/]*$}{}r . $file;
    return -e $target && (!defined $anchor || grep { $_ eq $anchor } anchors(read_file($target)));
}

# What a document points to within the tree is there.
sub check_links {
    my ($state, $text) = @_;
    my @missing = grep { !/^https?:/ && !leads_somewhere($_, "$root/$state->{name}") } $text =~ /\]\(([^)\s]+)\)/g;
    is(join("\n", @missing), '', "$state->{name}: every link leads somewhere");
    return;
}
