"use strict";
// The explorer is ready before the charts are read.

paint();
explorer.begin();
