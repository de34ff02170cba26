package throttle

var Frame = frame
