package FlexiLib::Test::Node;

# Scripts for node, with Debian's packages of it (ws) at hand whichever node it is.
#
#   need_node('ws');
#   my $process = start_node("$folder/script.js", ARGUMENTS);

use strict;
use warnings;

use FlexiLib::Test;

use Exporter qw(import);
our @EXPORT = qw(need_node start_node);

my $modules = '/usr/share/nodejs';

# Skips the test where node or one of these packages is missing; in CI that is a failure.
sub need_node {
    my (@packages) = @_;
    need('node');
    for my $package (@packages) {
        next if -e "$modules/$package/package.json";
        die "node-$package is missing\n" if $ENV{CI};
        plan(skip_all => "node-$package is missing");
    }
    return;
}

sub start_node {
    my ($script, @arguments) = @_;
    return FlexiLib::Test::Process->start(
        dir     => make_folder(),
        command => ['node', $script, @arguments],
        env     => { NODE_PATH => $modules },
    );
}

1;
