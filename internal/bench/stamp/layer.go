package stamp

// layerShift leaves 28 bits for numbers: at 240 frames a second, twelve days.
const layerShift = 28

// MaxLayers is how many layers a frame's number can tell apart.
const MaxLayers = 8

// OfLayer makes the number of a frame of a layer, 0 the lowest, of simulcast.
// Frames without layers have plain numbers below 2^28.
func OfLayer(layer int, number uint32) uint32 {
	return number&(1<<layerShift-1) | uint32(layer+1)<<layerShift //nolint:gosec // below MaxLayers
}

// Layer is the layer in a frame's number; ok is false if it tells none.
func Layer(frame uint32) (layer int, ok bool) {
	layer = int(frame>>layerShift) - 1
	return layer, layer >= 0 && layer < MaxLayers
}

// Number is a frame's number without its layer.
func Number(frame uint32) uint32 { return frame & (1<<layerShift - 1) }
