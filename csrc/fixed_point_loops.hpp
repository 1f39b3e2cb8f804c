// The loops of fixed-point products, over `Vector` (lanes_*.hpp), with `largest_lane` and `to_integers` (half to even), and
// `Integers`, sixteen lanes of 32 bits, with `zeros`, `load_integers`, `broadcast_pair`, `multiply_pairs` (adds the products
// of two pairs of 16 bits), `add`, `shift_left`, `shift_right` (arithmetic), `low_bits`, `store_shorts` and `to_floats`. The
// including file also says how many rows its registers hold, `kRows`, and has `keep_in_register`, as for the ConvNeXt
// kernels. Included once per instruction set, inside an anonymous namespace.

#include "fixed_point_sums.hpp"

// A weight is high * 256 + low, 0 <= low < 256. A chain of this many inputs overflows in neither half.
constexpr std::size_t kChain = 256;
// Weights of one pair of inputs: sixteen outputs' high parts, their low parts, and the same of the other sixteen.
constexpr std::size_t kPairBytes = 4 * kLanes * 4;

inline std::size_t even(std::size_t depth) { return (depth + 1) / 2 * 2; }
std::size_t row_bytes(std::size_t depth) { return (2 * even(depth) + 63) / 64 * 64; }
std::size_t panel_bytes(std::size_t depth) { return even(depth) / 2 * kPairBytes; }

void place(std::uint8_t* panel, std::size_t, std::size_t o, std::size_t i, std::int32_t value) {
  std::uint8_t* to = panel + i / 2 * kPairBytes + o / kLanes * (kPairBytes / 2) + o % kLanes * 4 + i % 2 * 2;
  const auto high = static_cast<std::int16_t>(value >> 8), low = static_cast<std::int16_t>(value & 255);
  __builtin_memcpy(to, &high, 2);
  __builtin_memcpy(to + kLanes * 4, &low, 2);
}

void quantise(const Quantisation& job) {
  const std::size_t whole = job.depth / kLanes * kLanes, left = job.depth - whole;
  for (std::size_t row = 0; row < job.rows; ++row) {
    const float* in = job.in + row * job.in_stride;
    float last[kLanes] = {};
    for (std::size_t i = 0; i < left; ++i) last[i] = in[whole + i];
    Vector largest = maximum(absolute(load(last)), broadcast(0.0f));
    for (std::size_t i = 0; i < whole; i += kLanes) largest = maximum(absolute(load(in + i)), largest);
    const Steps steps = steps_for(largest_lane(largest));
    const Vector factor = broadcast(steps.to_integer);
    const Vector most = broadcast(static_cast<float>(kLargest)), least = broadcast(static_cast<float>(-kLargest));
    const auto integers = [&](const float* from) {
      return to_integers(maximum(minimum(multiply(load(from), factor), most), least));
    };
    auto* out = reinterpret_cast<std::int16_t*>(job.out + row * job.out_stride);
    for (std::size_t i = 0; i < whole; i += kLanes) store_shorts(out + i, integers(in + i));
    job.steps[row] = steps.back;
    if (left == 0) continue;
    std::int16_t shorts[kLanes];
    store_shorts(shorts, integers(last));
    __builtin_memcpy(out + whole, shorts, 2 * even(left));
  }
}

/// Adds the sums of a stretch of inputs, for half a panel and one tile of rows, to `upper` * 65536 + `lower`. A function of
/// its own, so that only the sums of the stretch are in registers.
template <int Rows>
__attribute__((noinline)) void add_chain(const std::uint8_t* in, std::size_t stride, std::size_t count,
                                         const std::uint8_t* weights, Integers* upper, Integers* lower) {
  // Rows by threes, as in the ConvNeXt kernels.
  constexpr int kGroups = (Rows + 2) / 3;
  const std::uint8_t* group[kGroups];
#pragma GCC unroll 16
  for (int g = 0; g < kGroups; ++g) group[g] = in + 3 * static_cast<std::size_t>(g) * stride;
  Integers high[Rows], low[Rows];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) high[r] = low[r] = zeros();
  for (std::size_t i = 0; i < count; i += 2, weights += kPairBytes) {
    const Integers w_high = load_integers(weights), w_low = load_integers(weights + kPairBytes / 4);
#pragma GCC unroll 16
    for (int g = 0; g < kGroups; ++g) keep_in_register(group[g]);
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const Integers pair = broadcast_pair(group[r / 3] + static_cast<std::size_t>(r % 3) * stride);
      high[r] = multiply_pairs(high[r], pair, w_high);
      low[r] = multiply_pairs(low[r], pair, w_low);
    }
#pragma GCC unroll 16
    for (int g = 0; g < kGroups; ++g) group[g] += 4;
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
    const Integers middle = add(high[r], shift_right<8>(low[r]));
    upper[r] = add(upper[r], shift_right<8>(middle));
    lower[r] = add(lower[r], add(shift_left<8>(low_bits<8>(middle)), low_bits<8>(low[r])));
  }
}

/// Half a panel of one tile of rows.
template <int Rows>
inline void multiply_tile(const Product& job, std::size_t row, std::size_t half) {
  const std::uint8_t* weights = job.weights + half * (kPairBytes / 2);
  const std::uint8_t* in = job.in + row * job.in_stride;
  const std::size_t end = even(job.depth);
  Integers upper[Rows], lower[Rows];
  for (int r = 0; r < Rows; ++r) upper[r] = lower[r] = zeros();
  for (std::size_t first = 0; first < end; first += kChain) {
    const std::size_t count = end - first < kChain ? end - first : kChain;
    add_chain<Rows>(in + 2 * first, job.in_stride, count, weights + first / 2 * kPairBytes, upper, lower);
  }
  for (int r = 0; r < Rows; ++r) {
    const std::size_t at = row + static_cast<std::size_t>(r);
    store_sum(add(upper[r], shift_right<16>(lower[r])), low_bits<16>(lower[r]), job.in_steps[at],
              job.weight_steps + half * kLanes, job.bias + half * kLanes, job.sums + at * kPanel + half * kLanes);
  }
}

template <int Rows>
inline void multiply_up_to(std::size_t rows, const Product& job, std::size_t row, std::size_t half) {
  if (rows >= Rows) return multiply_tile<Rows>(job, row, half);
  if constexpr (Rows > 1) multiply_up_to<Rows - 1>(rows, job, row, half);
}

void multiply(const Product& job) {
  for (std::size_t half = 0; half < kPanel / kLanes; ++half)
    for (std::size_t row = 0; row < job.rows; row += kRows) multiply_up_to<kRows>(job.rows - row, job, row, half);
}

void nothing() {}
