// Ce que la construction reprend de npm.
declare module "@litertjs/core";
declare module "@noble/hashes/sha2.js";
declare module "@noble/hashes/utils.js";
declare module "fflate";
declare module "flatbuffers";
