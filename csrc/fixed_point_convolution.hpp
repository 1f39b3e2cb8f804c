// The loops of convolutions of integers with steps known beforehand, over what fixed_point_loops.hpp names, with
// `load_shorts` and the number of positions that the registers hold, `kConvolutionRows`. Included behind those loops.

/// Outputs of `Rows` positions and `Panels` panels. A function of its own, so that only their sums are in registers.
template <int Rows, int Panels>
__attribute__((noinline)) void convolve_tile(const Convolution& job, std::size_t position, std::size_t panel) {
  constexpr int kGroups = (Rows + 2) / 3;
  const std::size_t panel_bytes = 2 * 2 * kLanes * job.tap_count * (job.depth / 2), step = 2 * job.in_step;
  const auto* weights = reinterpret_cast<const std::uint8_t*>(job.weights) + panel * panel_bytes;
  const auto* in = reinterpret_cast<const std::uint8_t*>(job.in + position * job.in_step);
  Integers sums[Panels][Rows];
#pragma GCC unroll 16
  for (int p = 0; p < Panels; ++p)
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) sums[p][r] = zeros();
  for (std::size_t tap = 0; tap < job.tap_count; ++tap) {
    const std::uint8_t* group[kGroups];
#pragma GCC unroll 16
    for (int g = 0; g < kGroups; ++g) group[g] = in + 2 * job.taps[tap] + 3 * static_cast<std::size_t>(g) * step;
    for (std::size_t i = 0; i < job.depth; i += 2, weights += 4 * kLanes) {
      Integers w[Panels];
#pragma GCC unroll 16
      for (int p = 0; p < Panels; ++p) w[p] = load_integers(weights + static_cast<std::size_t>(p) * panel_bytes);
#pragma GCC unroll 16
      for (int g = 0; g < kGroups; ++g) keep_in_register(group[g]);
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        const Integers pair = broadcast_pair(group[r / 3] + static_cast<std::size_t>(r % 3) * step);
#pragma GCC unroll 16
        for (int p = 0; p < Panels; ++p) sums[p][r] = multiply_pairs(sums[p][r], pair, w[p]);
      }
#pragma GCC unroll 16
      for (int g = 0; g < kGroups; ++g) group[g] += 4;
    }
  }
  const Vector slope = broadcast(job.slope), most = broadcast(job.limit), least = broadcast(-job.limit);
#pragma GCC unroll 16
  for (int p = 0; p < Panels; ++p) {
    const std::size_t first = (panel + static_cast<std::size_t>(p)) * kLanes;
    const Vector scale = load(job.scale + first), bias = load(job.bias + first);
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const std::size_t at = (position + static_cast<std::size_t>(r)) * job.out_step + first;
      Vector value = add(multiply(to_floats(sums[p][r]), scale), bias);
      value = maximum(value, multiply(value, slope));
      if (job.residual != nullptr) value = add(value, to_floats(load_shorts(job.residual + at)));
      store_shorts(job.out + at, to_integers(maximum(minimum(value, most), least)));
    }
  }
}

template <int Rows>
inline void convolve_up_to(std::size_t rows, const Convolution& job, std::size_t position, std::size_t panel) {
  if (rows >= Rows) {
    if (job.panels - panel > 1) return convolve_tile<Rows, 2>(job, position, panel);
    return convolve_tile<Rows, 1>(job, position, panel);
  }
  if constexpr (Rows > 1) convolve_up_to<Rows - 1>(rows, job, position, panel);
}

void convolve(const Convolution& job) {
  for (std::size_t panel = 0; panel < job.panels; panel += 2)
    for (std::size_t at = 0; at < job.positions; at += kConvolutionRows)
      convolve_up_to<kConvolutionRows>(job.positions - at, job, at, panel);
}
