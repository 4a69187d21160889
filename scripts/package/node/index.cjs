'use strict';

module.exports = require('./lib/controls.cjs');
