// The order of the training images in an epoch: a pure function of (seed, epoch).
import ModelCore

/// The permutation of `0..<count` for an epoch: Fisher–Yates ("Algorithm P", Knuth, TAOCP 2, 3.4.2) from the last place
/// down; the swap of place i is drawn at position i of the shuffle stream.
func shuffledOrder(count: Int, seed: UInt64, epoch: Int) -> [Int32] {
    var order = Array(0..<Int32(count))
    let stream = RandomStream(seed: seed, name: .shuffle, epoch: epoch)
    for last in stride(from: count - 1, to: 0, by: -1) {
        order.swapAt(last, stream.integer(at: last, below: last + 1))
    }
    return order
}
