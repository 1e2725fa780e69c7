// Classic histograms as native ones with custom buckets (convert_classic_histograms_to_nhcb): the series of
// one histogram become one sample, so that it is read, aggregated and kept as a whole.
#pragma once

#include "wire/prometheus/exposition.hpp"

namespace telltale::wire::prometheus {

/// Puts a native histogram in the place of each classic one that hangs together: rising bounds, counts that
/// do not fall. What does not stays as it is; with `keep_classic` the series stay beside it. Families are
/// told by the metadata.
void convert_classic_histograms(Scrape& scrape, bool keep_classic);

}  // namespace telltale::wire::prometheus
