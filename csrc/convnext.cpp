#include "convnext.hpp"

#include <algorithm>
#include <atomic>

#include "autoregressive_team.hpp"
#include "errors.hpp"
#include "parallel.hpp"

namespace latentpress::convnext {
namespace {

constexpr std::size_t kMostTileRows = 96;
constexpr std::size_t kFewestTileRows = 12;  // what registers hold of a matrix product; a tile is a multiple of it
constexpr std::size_t kMostGathered = std::size_t{1} << 17;  // floats, to stay in the second-level cache

/// A stretch of positions, counted over all images, that a thread works through at once.
struct Tile {
  std::size_t first, count;
};

std::size_t divided_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

/// Positions of a tile: as many as `most`, unless fewer give all threads the same work. Weights pass by once a tile.
std::size_t tile_rows(std::size_t positions, std::size_t threads, std::size_t most) {
  threads = std::max<std::size_t>(threads, 1);
  const std::size_t rounds = divided_up(divided_up(positions, most), threads);
  const std::size_t even = divided_up(positions, std::max<std::size_t>(rounds * threads, 1));
  return std::min(divided_up(even, kFewestTileRows), most / kFewestTileRows) * kFewestTileRows;
}

/// Calls work(i, scratch) for each i below `count`, in threads that have `floats` of scratch each.
template <class Work>
void for_each_in_threads(std::size_t count, std::size_t threads, std::size_t floats, Work work) {
  const std::size_t members = std::clamp<std::size_t>(threads, 1, std::max<std::size_t>(count, 1));
  const std::size_t room = divided_up(floats, kLanes) * kLanes;
  const AlignedFloats scratch = aligned_floats(members * room);
  std::atomic<std::size_t> next{0};
  parallel_for(members, members, [&](std::size_t member) {
    for (std::size_t i = next++; i < count; i = next++) work(i, scratch.get() + member * room);
  });
}

/// The rows that a product takes, and what becomes of it.
struct Rows {
  const float* in;
  std::size_t count;
  Finish finish;
  const float* residual;
  float* out;
};

/// Floats of scratch that products with a matrix take.
std::size_t room_for(const PackedMatrix& matrix, std::size_t rows) {
  if (!matrix.fixed()) return 0;
  rows = divided_up(rows, fixed_point::kRowUnit) * fixed_point::kRowUnit;
  return rows * (matrix.fixed()->kernels().row_bytes(matrix.depth()) / sizeof(float) + 1);
}

void multiply_fixed(const Kernels& kernels, const PackedMatrix& matrix, const Rows& rows, float* scratch) {
  const fixed_point::Weights& weights = *matrix.fixed();
  const fixed_point::Kernels& fixed = weights.kernels();
  const std::size_t depth = matrix.depth(), outputs = matrix.outputs(), stride = fixed.row_bytes(depth);
  auto* integers = reinterpret_cast<std::uint8_t*>(scratch);
  float* steps = scratch + divided_up(rows.count, fixed_point::kRowUnit) * fixed_point::kRowUnit * (stride / sizeof(float));
  alignas(64) float sums[kMostTileRows * fixed_point::kPanel];
  fixed.quantise({rows.in, depth, rows.count, depth, integers, stride, steps});
  fixed.begin();
  for (std::size_t panel = 0; panel < weights.panels(); ++panel) {
    fixed.multiply({integers, stride, steps, rows.count, depth, weights.panel(panel), weights.steps(panel),
                    weights.bias(panel), sums});
    const std::size_t o = panel * fixed_point::kPanel;
    kernels.finish({sums, rows.count, std::min(fixed_point::kPanel, outputs - o), rows.finish,
                    rows.residual == nullptr ? nullptr : rows.residual + o, rows.out + o, outputs});
  }
  fixed.end();
}

void multiply(const Kernels& kernels, const PackedMatrix& matrix, const Rows& rows, float* scratch) {
  if (matrix.fixed()) return multiply_fixed(kernels, matrix, rows, scratch);
  const std::size_t depth = matrix.depth(), outputs = matrix.outputs();
  kernels.multiply({rows.in, depth, rows.count, matrix.panels(), matrix.bias(), depth, outputs, rows.finish, rows.residual,
                    rows.out, outputs});
}

/// A piece of an image that a thread works through at once.
struct Rectangle {
  std::size_t image, y, x, height, width;
};

/// Images cut into rectangles of up to `positions`: about as wide as high, so that what a position's neighbourhood has in
/// common with the next one's stays in the nearest cache.
class Rectangles {
 public:
  Rectangles(const ImageShape& shape, std::size_t positions)
      : shape_(shape),
        width_(std::min(kFewestTileRows, shape.width)),
        height_(std::min(positions / width_, shape.height)),
        across_(divided_up(shape.width, width_)),
        down_(divided_up(shape.height, height_)) {}

  std::size_t count() const { return shape_.images * across_ * down_; }
  std::size_t most_positions() const { return width_ * height_; }
  Rectangle operator[](std::size_t i) const {
    const std::size_t y = i / across_ % down_ * height_, x = i % across_ * width_;
    return {i / (across_ * down_), y, x, std::min(height_, shape_.height - y), std::min(width_, shape_.width - x)};
  }

 private:
  ImageShape shape_;
  std::size_t width_, height_, across_, down_;
};

void add(const float* a, const float* b, float* sums, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) sums[i] = a[i] + b[i];
}

/// Calls work(image, y, x, count, offset in the tile) for each piece of an image row in the tile.
template <class Work>
void for_row_pieces(const ImageShape& shape, const Tile& tile, Work work) {
  for (std::size_t done = 0; done < tile.count;) {
    const std::size_t row = (tile.first + done) / shape.width, x = (tile.first + done) % shape.width;
    const std::size_t count = std::min(tile.count - done, shape.width - x);
    work(row / shape.height, row % shape.height, x, count, done);
    done += count;
  }
}

/// The neighbourhoods of a piece of an image row, side by side, with zeros outside the image.
void gather(const ImageShape& shape, std::size_t side, const Inputs& in, std::size_t image, std::size_t y, std::size_t x,
            std::size_t count, float* to) {
  const auto reach = static_cast<std::ptrdiff_t>(side / 2);
  const auto height = static_cast<std::ptrdiff_t>(shape.height), width = static_cast<std::ptrdiff_t>(shape.width);
  const auto origin = static_cast<std::ptrdiff_t>(image) * height * width;
  const std::size_t channels = in.channels + in.more_channels;
  for (std::size_t p = 0; p < count; ++p)
    for (std::ptrdiff_t dy = -reach; dy <= reach; ++dy)
      for (std::ptrdiff_t dx = -reach; dx <= reach; ++dx, to += channels) {
        const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(y) + dy, column = static_cast<std::ptrdiff_t>(x + p) + dx;
        if (row < 0 || row >= height || column < 0 || column >= width) {
          std::fill_n(to, channels, 0.0f);
          continue;
        }
        const auto at = static_cast<std::size_t>(origin + row * width + column);
        std::copy_n(in.values + at * in.channels, in.channels, to);
        if (in.more_channels > 0) std::copy_n(in.more + at * in.more_channels, in.more_channels, to + in.channels);
      }
}

/// The patches of a piece of a row, side by side.
void gather_patches(const ImageShape& shape, std::size_t patch, const Inputs& in, std::size_t image, std::size_t y,
                    std::size_t x, std::size_t count, float* to) {
  const std::size_t line = shape.width * patch * in.channels, length = patch * in.channels;
  const float* corner = in.values + (image * shape.height + y) * patch * line + x * length;
  for (std::size_t p = 0; p < count; ++p, corner += length)
    for (std::size_t row = 0; row < patch; ++row, to += length) std::copy_n(corner + row * line, length, to);
}

/// What `gather_patches` does, in reverse, for `outputs` values a position.
void scatter_patches(const ImageShape& shape, std::size_t patch, const float* from, std::size_t outputs, std::size_t image,
                     std::size_t y, std::size_t x, std::size_t count, float* out) {
  const std::size_t length = outputs / patch, line = shape.width * length;
  float* corner = out + (image * shape.height + y) * patch * line + x * length;
  for (std::size_t p = 0; p < count; ++p, corner += length)
    for (std::size_t row = 0; row < patch; ++row, from += length) std::copy_n(from, length, corner + row * line);
}

}  // namespace

const Kernels& kernels_named(const std::string& name) {
#if defined(LATENTPRESS_X86_KERNELS)
  static const Kernels* const fastest_first[] = {&kAvx512Kernels, &kAvx2Kernels, &kPortableKernels};
#elif defined(LATENTPRESS_NEON_KERNELS)
  static const Kernels* const fastest_first[] = {&kNeonKernels, &kPortableKernels};
#else
  static const Kernels* const fastest_first[] = {&kPortableKernels};
#endif
  const bool fastest = name.empty() || (name == "amx" && name == fixed_point::kernels_named("").name);
  for (const Kernels* kernels : fastest_first)
    if (kernels->supported() && (fastest || name == kernels->name)) return *kernels;
  throw ConfigurationError("This CPU has no kernels named " + name + "; leave the name empty for the fastest.");
}

AlignedFloats aligned_floats(std::size_t count) {
  return AlignedFloats(new (kCacheLine) float[count]);
}

PackedMatrix::PackedMatrix(const float* weights, const float* bias, std::size_t outputs, std::size_t depth)
    : outputs_(outputs), depth_(depth) {
  const std::size_t padded = divided_up(outputs, kPanel) * kPanel;
  panels_ = aligned_floats(padded * depth);
  bias_ = aligned_floats(padded);
  std::fill_n(panels_.get(), padded * depth, 0.0f);
  std::fill_n(bias_.get(), padded, 0.0f);
  for (std::size_t o = 0; o < outputs; ++o) bias_[o] = bias[o];
  for (std::size_t o = 0; o < outputs; ++o)
    for (std::size_t i = 0; i < depth; ++i)
      panels_[(o / kPanel * depth + i) * kPanel + o % kPanel] = weights[o * depth + i];
}

PackedMatrix::PackedMatrix(const float* weights, const float* bias, std::size_t outputs, std::size_t depth,
                           const fixed_point::Kernels& kernels)
    : outputs_(outputs), depth_(depth), fixed_(std::in_place, kernels, weights, bias, outputs, depth) {}

void convolve(const Kernels& kernels, const Convolution& layer, const ImageShape& shape, const Inputs& in,
              const float* residual, float* out, std::size_t threads) {
  const autoregressive::DefaultFloatingPoint default_environment;
  const std::size_t depth = layer.matrix.depth(), outputs = layer.matrix.outputs();
  const std::size_t most = std::clamp(kMostGathered / depth, kFewestTileRows, kMostTileRows);
  const bool gathers = layer.side > 1 || layer.gelu_before || in.more_channels > 0 || layer.patch_in > 1;
  const bool scatters = layer.patch_out > 1;
  const std::size_t rows_in_tile = tile_rows(shape.positions(), threads, most);
  const std::size_t tiles = divided_up(shape.positions(), rows_in_tile);
  // In whole lines, so that what follows begins with one.
  const std::size_t room_in = gathers ? divided_up(rows_in_tile * depth, kLanes) * kLanes : 0;
  const std::size_t room_out = scatters ? divided_up(rows_in_tile * outputs, kLanes) * kLanes : 0;
  const std::size_t room = room_in + room_out;
  for_each_in_threads(tiles, threads, room + room_for(layer.matrix, rows_in_tile), [&](std::size_t i, float* scratch) {
    const Tile tile{i * rows_in_tile, std::min(rows_in_tile, shape.positions() - i * rows_in_tile)};
    float *gathered = scratch, *patches = scratch + room_in;
    if (gathers) {
      for_row_pieces(shape, tile, [&](std::size_t image, std::size_t y, std::size_t x, std::size_t count, std::size_t at) {
        if (layer.patch_in > 1)
          gather_patches(shape, layer.patch_in, in, image, y, x, count, gathered + at * depth);
        else
          gather(shape, layer.side, in, image, y, x, count, gathered + at * depth);
      });
      if (layer.gelu_before) kernels.gelu(gathered, gathered, tile.count * depth);
    }
    const std::size_t at = tile.first * outputs;
    multiply(kernels, layer.matrix,
             {gathers ? gathered : in.values + tile.first * in.channels, tile.count, layer.finish,
              residual == nullptr ? nullptr : residual + at, scatters ? patches : out + at},
             scratch + room);
    if (!scatters) return;
    for_row_pieces(shape, tile, [&](std::size_t image, std::size_t y, std::size_t x, std::size_t count, std::size_t from) {
      scatter_patches(shape, layer.patch_out, patches + from * outputs, outputs, image, y, x, count, out);
    });
  });
}

void run_block(const Kernels& kernels, const Block& block, const ImageShape& shape, const float* in, float* out,
               std::size_t threads) {
  const autoregressive::DefaultFloatingPoint default_environment;
  const std::size_t channels = block.contract.outputs(), hidden = block.expand.outputs();
  const Rectangles tiles(shape, tile_rows(shape.positions(), threads, kMostTileRows));
  const std::size_t room = tiles.most_positions() * channels;
  const std::size_t room_wide = divided_up(tiles.most_positions() * hidden, kLanes) * kLanes;
  const std::size_t room_fixed =
      std::max(room_for(block.expand, tiles.most_positions()), room_for(block.contract, tiles.most_positions()));
  for_each_in_threads(tiles.count(), threads, room + room_wide + room_fixed, [&](std::size_t i, float* scratch) {
    const Rectangle tile = tiles[i];
    const std::size_t rows = tile.height * tile.width, image = tile.image * shape.height * shape.width * channels;
    const std::size_t modulation = block.modulation_per_image ? tile.image * channels : 0;
    float *narrow = scratch, *wide = scratch + room, *fixed = wide + room_wide;
    kernels.depthwise({in + image, shape.height, shape.width, channels, tile.y, tile.x, tile.height, tile.width, block.side,
                       block.depthwise_weights, block.depthwise_bias, narrow});
    kernels.normalise({narrow, rows, channels, block.shift + modulation, block.scale + modulation, block.padding});
    multiply(kernels, block.expand, {narrow, rows, Finish::kGelu, nullptr, wide}, fixed);
    multiply(kernels, block.contract, {wide, rows, Finish::kNothing, nullptr, narrow}, fixed);
    for (std::size_t y = 0; y < tile.height; ++y, narrow += tile.width * channels) {
      const std::size_t at = image + ((tile.y + y) * shape.width + tile.x) * channels;
      add(in + at, narrow, out + at, tile.width * channels);
    }
  });
}

}  // namespace latentpress::convnext
