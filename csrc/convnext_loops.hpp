// The loops of the ConvNeXt kernels, over sixteen-lane `Vector` (lanes_*.hpp), along with `prefetch`, which brings a line into
// the second-level cache, `keep_in_register`, which makes the compiler forget how a pointer was computed, and what the
// including file's registers hold: `kRows`, of a tile of a matrix product, and `kAlong`, of positions of a depthwise
// convolution. Included once per instruction set, inside an anonymous namespace.

constexpr float kNormEpsilon = 1e-6f;

// x Phi(x) = max(x, 0) - a Phi(-a) with a = |x|; Phi(-a) is a polynomial in 2a / 5.5 - 1 for a up to 5.5, beyond which the
// product is below 1e-7. Minimax fit of a Phi(-a): error 3.3e-8.
constexpr float kGeluEnd = 5.5f;
constexpr float kTail[] = {0.0029797691386193037f, -0.025007493793964386f, 0.09455805271863937f,  -0.20683583617210388f,
                           0.2719026803970337f,    -0.17678427696228027f,  -0.05165700241923332f, 0.21618440747261047f,
                           -0.16129037737846375f,  -0.02823781408369541f,  0.1275499165058136f,   -0.05954170227050781f,
                           -0.03425818681716919f,  0.038356129080057144f,  -0.0021537942811846733f,
                           -0.008134674280881882f, 0.002370215253904462f};
constexpr int kTailDegree = 16;

inline Vector gelu_of(Vector x) {
  const Vector a = minimum(absolute(x), broadcast(kGeluEnd));
  const Vector u = multiply_add(a, broadcast(2.0f / kGeluEnd), broadcast(-1.0f));
  Vector tail = broadcast(kTail[kTailDegree]);
  for (int i = kTailDegree - 1; i >= 0; --i) tail = multiply_add(tail, u, broadcast(kTail[i]));
  return subtract(maximum(x, broadcast(0.0f)), multiply(a, tail));
}

/// The chain of one piece of the inputs, for `Rows` rows and one panel, added to the totals in `totals` (or to the bias).
/// Meanwhile the weights at `ahead` are fetched, an eighth as many as are used. `Whole` is false where a matrix has no
/// outputs in the second half of the panel.
template <int Rows, bool Whole>
inline void multiply_tile(const MatrixProduct& job, std::size_t row, std::size_t panel, std::size_t first, std::size_t last,
                          const float* ahead, float* totals) {
  // Rows by threes: an address may add a stride once or twice at no cost, and there are too few registers for a pointer
  // to every row, which is what compilers choose unless they are kept from it.
  constexpr int kGroups = (Rows + 2) / 3;
  const std::size_t stride = job.in_stride;
  const float* group[kGroups];
#pragma GCC unroll 16
  for (int g = 0; g < kGroups; ++g) group[g] = job.in + (row + 3 * static_cast<std::size_t>(g)) * stride + first;
  const float* weights = job.panels + (panel * job.depth + first) * kPanel;
  Vector low[Rows], high[Rows];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) low[r] = high[r] = broadcast(0.0f);
  for (std::size_t i = first; i < last; ++i, weights += kPanel, ahead += kPanel / 8) {
    prefetch(ahead);
    const Vector w_low = load(weights), w_high = load(weights + (Whole ? kLanes : 0));
#pragma GCC unroll 16
    for (int g = 0; g < kGroups; ++g) keep_in_register(group[g]);
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const Vector value = broadcast(group[r / 3][static_cast<std::size_t>(r % 3) * stride]);
      low[r] = multiply_add(value, w_low, low[r]);
      if (Whole) high[r] = multiply_add(value, w_high, high[r]);
    }
#pragma GCC unroll 16
    for (int g = 0; g < kGroups; ++g) ++group[g];
  }
  const float* bias = job.bias + panel * kPanel;
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
    float* total = totals + r * kPanel;
    const float* before = first == 0 ? bias : total;
    store(total, add(load(before), low[r]));
    if (Whole) store(total + kLanes, add(load(before + kLanes), high[r]));
  }
}

template <int Rows, bool Whole>
inline void multiply_up_to(int rows, const MatrixProduct& job, std::size_t row, std::size_t panel, std::size_t first,
                           std::size_t last, const float* ahead, float* totals) {
  if (rows == Rows) return multiply_tile<Rows, Whole>(job, row, panel, first, last, ahead, totals);
  if constexpr (Rows > 1) multiply_up_to<Rows - 1, Whole>(rows, job, row, panel, first, last, ahead, totals);
}

/// The chains of one piece of the inputs, for all of `rows` rows and one panel.
template <bool Whole>
void multiply_piece(const MatrixProduct& job, std::size_t start, std::size_t rows, std::size_t panel, std::size_t first,
                    std::size_t last, float* totals) {
  // The next piece follows in memory; every tile of rows fetches a part of it.
  const float* ahead = job.panels + (panel * job.depth + last) * kPanel;
  for (std::size_t row = 0; row < rows; row += kRows, ahead += (last - first) * kPanel / 8) {
    const int here = rows - row < kRows ? static_cast<int>(rows - row) : kRows;
    multiply_up_to<kRows, Whole>(here, job, start + row, panel, first, last, ahead, totals + row * kPanel);
  }
}

/// Sixteen sums, finished and stored; the last ones of a matrix may be fewer.
inline void finish_lanes(const Finishing& job, const float* sums, std::size_t at, std::size_t count) {
  float lanes[kLanes];
  Vector value = load(sums);
  if (job.finish == Finish::kGelu) value = gelu_of(value);
  if (count >= kLanes) {
    if (job.finish == Finish::kAddResidual) value = add(load(job.residual + at), value);
    store(job.out + at, value);
    return;
  }
  store(lanes, value);
  for (std::size_t o = 0; o < count; ++o)
    job.out[at + o] = job.finish == Finish::kAddResidual ? job.residual[at + o] + lanes[o] : lanes[o];
}

void finish_panel(const Finishing& job) {
  for (std::size_t row = 0; row < job.rows; ++row)
    for (std::size_t lane = 0; lane < job.outputs; lane += kLanes)
      finish_lanes(job, job.sums + row * kPanel + lane, row * job.out_stride + lane, job.outputs - lane);
}

void multiply_rows(const MatrixProduct& job) {
  // Totals of one panel stay in the nearest cache while the pieces of the inputs go by.
  constexpr std::size_t kMostRows = 96;
  alignas(64) float totals[kMostRows * kPanel];
  for (std::size_t start = 0; start < job.rows; start += kMostRows) {
    const std::size_t rows = job.rows - start < kMostRows ? job.rows - start : kMostRows;
    for (std::size_t o = 0; o < job.outputs; o += kPanel) {
      for (std::size_t first = 0; first < job.depth; first += kChain) {
        const std::size_t last = first + kChain < job.depth ? first + kChain : job.depth;
        if (job.outputs - o > kLanes)
          multiply_piece<true>(job, start, rows, o / kPanel, first, last, totals);
        else
          multiply_piece<false>(job, start, rows, o / kPanel, first, last, totals);
      }
      const std::size_t at = start * job.out_stride + o;
      finish_panel({totals, rows, job.outputs - o < kPanel ? job.outputs - o : kPanel, job.finish,
                    job.finish == Finish::kAddResidual ? job.residual + at : nullptr, job.out + at, job.out_stride});
    }
  }
}

/// Sixteen channels at `Count` neighbouring positions: each input is loaded once for all that it reaches. `Inside` says
/// that none of the neighbourhoods leaves the row of the image.
template <int Side, int Count, bool Inside>
inline void depthwise_sums(const DepthwiseTile& job, std::size_t row, std::size_t x, std::size_t channel) {
  constexpr int kReach = Side / 2;
  Vector sums[Count];
#pragma GCC unroll 16
  for (int p = 0; p < Count; ++p) sums[p] = load(job.bias + channel);
  for (int dy = -kReach; dy <= kReach; ++dy) {
    const std::ptrdiff_t y = static_cast<std::ptrdiff_t>(job.y + row) + dy;
    if (y < 0 || y >= static_cast<std::ptrdiff_t>(job.height)) continue;
    const float* line = job.image + static_cast<std::size_t>(y) * job.width * job.channels + channel;
    const float* taps = job.weights + static_cast<std::size_t>(dy + kReach) * Side * job.channels + channel;
    Vector weights[Side];
#pragma GCC unroll 8
    for (int t = 0; t < Side; ++t) weights[t] = load(taps + static_cast<std::size_t>(t) * job.channels);
#pragma GCC unroll 32
    for (int i = -kReach; i < Count + kReach; ++i) {
      const std::ptrdiff_t column = static_cast<std::ptrdiff_t>(x) + i;
      if (!Inside && (column < 0 || column >= static_cast<std::ptrdiff_t>(job.width))) continue;
      const Vector value = load(line + column * static_cast<std::ptrdiff_t>(job.channels));
#pragma GCC unroll 8
      for (int t = Side - 1; t >= 0; --t) {
        const int p = i + kReach - t;
        if (p >= 0 && p < Count) sums[p] = multiply_add(value, weights[t], sums[p]);
      }
    }
  }
#pragma GCC unroll 16
  for (int p = 0; p < Count; ++p)
    store(job.out + (row * job.count + x - job.x + static_cast<std::size_t>(p)) * job.channels + channel, sums[p]);
}

template <int Side, int Count>
inline void depthwise_positions(const DepthwiseTile& job, std::size_t row, std::size_t x, std::size_t channel) {
  constexpr std::size_t kReach = Side / 2;
  if (x >= kReach && x + Count + kReach <= job.width) return depthwise_sums<Side, Count, true>(job, row, x, channel);
  depthwise_sums<Side, Count, false>(job, row, x, channel);
}

/// Fetches all that the tile looks at, in the order of memory; the sums then take it channels by channels.
inline void fetch_neighbourhood(const DepthwiseTile& job) {
  const std::size_t reach = job.side / 2;
  const std::size_t top = job.y < reach ? 0 : job.y - reach, left = job.x < reach ? 0 : job.x - reach;
  const std::size_t bottom = job.y + job.rows + reach < job.height ? job.y + job.rows + reach : job.height;
  const std::size_t right = job.x + job.count + reach < job.width ? job.x + job.count + reach : job.width;
  for (std::size_t y = top; y < bottom; ++y) {
    const float* end = job.image + (y * job.width + right) * job.channels;
    for (const float* line = job.image + (y * job.width + left) * job.channels; line < end; line += kLanes) prefetch(line);
  }
}

template <int Side>
void depthwise_side(const DepthwiseTile& job) {
  fetch_neighbourhood(job);
  const std::size_t end = job.x + job.count;
  for (std::size_t channel = 0; channel < job.channels; channel += kLanes)
    for (std::size_t row = 0; row < job.rows; ++row) {
      std::size_t x = job.x;
      for (; x + kAlong <= end; x += kAlong) depthwise_positions<Side, kAlong>(job, row, x, channel);
      for (; x < end; ++x) depthwise_positions<Side, 1>(job, row, x, channel);
    }
}

/// Sixteen channels at a time of a side that nothing above was made for.
void depthwise_any_side(const DepthwiseTile& job) {
  const auto reach = static_cast<std::ptrdiff_t>(job.side / 2);
  const auto height = static_cast<std::ptrdiff_t>(job.height), width = static_cast<std::ptrdiff_t>(job.width);
  for (std::size_t row = 0; row < job.rows; ++row)
    for (std::size_t p = 0; p < job.count; ++p)
      for (std::size_t channel = 0; channel < job.channels; channel += kLanes) {
        Vector sum = load(job.bias + channel);
        const float* taps = job.weights + channel;
        for (std::ptrdiff_t dy = -reach; dy <= reach; ++dy)
          for (std::ptrdiff_t dx = -reach; dx <= reach; ++dx, taps += job.channels) {
            const std::ptrdiff_t y = static_cast<std::ptrdiff_t>(job.y + row) + dy;
            const std::ptrdiff_t x = static_cast<std::ptrdiff_t>(job.x + p) + dx;
            if (y < 0 || y >= height || x < 0 || x >= width) continue;
            const auto at = static_cast<std::size_t>(y * width + x);
            sum = multiply_add(load(job.image + at * job.channels + channel), load(taps), sum);
          }
        store(job.out + (row * job.count + p) * job.channels + channel, sum);
      }
}

void depthwise_tiles(const DepthwiseTile& job) {
  switch (job.side) {
    case 1: return depthwise_side<1>(job);
    case 3: return depthwise_side<3>(job);
    case 5: return depthwise_side<5>(job);
    case 7: return depthwise_side<7>(job);
    default: return depthwise_any_side(job);
  }
}

/// Sum of the sixteen lanes, by halves: the same tree whatever the register width.
inline float sum_of_lanes(Vector value) {
  float lanes[kLanes];
  store(lanes, value);
  for (std::size_t half = kLanes / 2; half > 0; half /= 2)
    for (std::size_t i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  return lanes[0];
}

inline Vector without_last(Vector value, std::size_t count) {
  float lanes[kLanes];
  store(lanes, value);
  for (std::size_t i = kLanes - count; i < kLanes; ++i) lanes[i] = 0.0f;
  return load(lanes);
}

void normalise_rows(const Normalisation& job) {
  const float count = static_cast<float>(job.channels - job.padding);
  for (std::size_t row = 0; row < job.rows; ++row) {
    float* values = job.values + row * job.channels;
    Vector sum = broadcast(0.0f);
    for (std::size_t c = 0; c < job.channels; c += kLanes) sum = add(sum, load(values + c));
    const Vector mean = broadcast(sum_of_lanes(sum) / count);
    Vector squares = broadcast(0.0f);
    for (std::size_t c = 0; c < job.channels; c += kLanes) {
      Vector centred = subtract(load(values + c), mean);
      if (job.padding > 0 && c + kLanes == job.channels) centred = without_last(centred, job.padding);
      squares = multiply_add(centred, centred, squares);
    }
    const Vector factor = broadcast(1.0f / __builtin_sqrtf(sum_of_lanes(squares) / count + kNormEpsilon));
    for (std::size_t c = 0; c < job.channels; c += kLanes) {
      const Vector normal = multiply(subtract(load(values + c), mean), factor);
      store(values + c, multiply_add(normal, load(job.scale + c), load(job.shift + c)));
    }
  }
}

void gelu_all(const float* in, float* out, std::size_t count) {
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(out + i, gelu_of(load(in + i)));
  if (i == count) return;
  float lanes[kLanes] = {};
  for (std::size_t j = i; j < count; ++j) lanes[j - i] = in[j];
  store(lanes, gelu_of(load(lanes)));
  for (std::size_t j = i; j < count; ++j) out[j] = lanes[j - i];
}
