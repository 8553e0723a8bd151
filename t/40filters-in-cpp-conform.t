# Filters in C++ do what the contract says, row by row of the table that all languages share.

use lib 't/lib';
use FlexiLib::Test;
use FlexiLib::Test::Conformance;

conforms('cpp');
done_testing;
