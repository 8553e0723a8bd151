package FlexiLib::Test::Metrics;

# Prometheus' text format, read strictly.

use strict;
use warnings;

use Test::More ();

my $name  = qr/[a-zA-Z_:][a-zA-Z0-9_:]*/;
my $label = qr/[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"/;

sub new {
    my ($class, $text) = @_;
    my $self = bless { values => {}, types => {} }, $class;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    Test::More::like($text, qr/(?:\A|\n)\z/, 'the last line is complete');
    $self->read_line($_) for split /\n/, $text;
    return $self;
}

sub read_line {
    my ($self, $line) = @_;
    my ($values, $types) = @$self{qw(values types)};
    local $Test::Builder::Level = $Test::Builder::Level + 2;
    if ($line =~ /\A# HELP ($name) (?:[^\\]|\\[\\n])*\z/) {
        $self->{family} = $1;
    } elsif ($line =~ /\A# TYPE ($name) (counter|gauge|histogram)\z/) {
        Test::More::fail("$1 has one type, behind its help") if $types->{$1} || $self->{family} ne $1;
        $types->{$1} = $2;
    } elsif ($line =~ /\A(($name)(\{$label(?:,$label)*\})?) (-?\d+(?:\.\d+)?(?:e[+-]\d+)?|[+-]Inf|NaN)\z/) {
        my ($series, $metric, $value) = ($1, $2, $4);
        Test::More::fail("$series stands there twice") if exists $values->{$series};
        $values->{$series} = $value;
        my $base = $types->{ $self->{family} } eq 'histogram' ? $metric =~ s/_(?:bucket|sum|count)\z//r : $metric;
        Test::More::fail("$series stands with its family") if $base ne $self->{family};
    } else {
        Test::More::fail("a line is well-formed: $line");
    }
    return;
}

# { 'name{labels}' => value } and { name => type }.
sub values { return $_[0]{values} }
sub types  { return $_[0]{types} }

# The sum of a metric's series, those whose labels match.
sub sum {
    my ($self, $metric, $labels) = @_;
    my $sum = 0;
    for my $series (keys %{ $self->{values} }) {
        my ($own, $written) = $series =~ /\A([^{]*)(.*)\z/s;
        $sum += $self->{values}{$series} if $own eq $metric && (!defined $labels || $written =~ $labels);
    }
    return $sum;
}

1;
